"""Work done in a thread of its own."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread


def begun[T](work: Callable[[], T]) -> Callable[[], T]:
    """Begin work in a thread, which ends with the process; give what waits for the result.

    Whoever waits hears of an interrupt, which work inside compiled code would not.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised where the result is asked for
            future.set_exception(error)

    Thread(target=run, daemon=True).start()
    return future.result
