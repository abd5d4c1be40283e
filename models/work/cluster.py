"""Work spread over processes by dask: on this machine, or on a cluster that is there."""

import logging
import os
import signal
import tempfile
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from importlib import import_module
from importlib.metadata import version
from itertools import islice
from multiprocessing import resource_tracker
from typing import Any

import dask
from distributed import Client, Future, LocalCluster, as_completed, default_client

from data.errors import InterlocalError, SchedulerError
from models.registry import TABLES

Runner = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], Iterator[Any]]

PACKAGE = "interlocal"
VERSION = version(PACKAGE)
SECONDS_TO_CONNECT = 10
ENVIRONMENT = "distributed.nanny.pre-spawn-environ"
AHEAD = 2  # tasks that a worker has before it, one of them waiting
# Errors are raised, and told. What dask logs beside them, even as critical, are messages that were
# on their way when an interrupt closed the cluster.
SILENT = logging.CRITICAL + 1


def in_process(work: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """Do one task after the other, without dask."""
    for task in tasks:
        yield work(*task)


@contextmanager
def on_cluster(scheduler: str = "") -> Iterator[Runner]:
    """Connect to dask.

    Parameters
    ----------
    scheduler : str
        The address of a scheduler, ``tcp://host:port``, whose workers have this package; a
        cluster on this machine where it is empty, a process a core.

    Yields
    ------
    callable
        As `in_process`, on the cluster: results come as they end, in any order. A task whose
        process died is done again.
    """
    logging.getLogger("distributed").setLevel(SILENT)
    if scheduler:
        with _connected(scheduler) as client:
            yield _runner(client)
        return
    with ExitStack() as stack:
        with _interrupts_held(), dask.config.set({ENVIRONMENT: _environment()}):
            cluster = LocalCluster(
                n_workers=os.process_cpu_count() or 1,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=":0",  # any free port: several clusters may run at once
                silence_logs=SILENT,
            )
            stack.enter_context(cluster)
        yield _runner(stack.enter_context(Client(cluster)))


def _environment() -> dict[str, Any]:
    """Give what dask sets for its workers, but for the order to hand freed memory back at once.

    Each large array would then be asked for from the system anew, page by page: of a refit with
    130 cities that is nearly all of the time. A worker's memory is bounded by what one task needs.
    """
    whole: dict[str, Any] = dask.config.get(ENVIRONMENT)
    return {name: value for name, value in whole.items() if name != "MALLOC_TRIM_THRESHOLD_"}


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Deliver Ctrl-C after the block, and never to processes that are started in it.

    A terminal sends it to them too; they would each print a traceback. What is started inherits
    the mask, and so does a process that dask starts again later.
    """
    resource_tracker.ensure_running()  # lest it start in the block: it lifts the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    before = dask.config.get("scheduler", None)
    try:
        client = Client(scheduler, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError, TypeError) as error:
        # it has made itself the default, which would be asked for locks to write files
        dask.config.set(scheduler=before)
        with suppress(ValueError):
            lost = default_client()
            if lost.status == "connecting":
                lost.status = "closed"
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SchedulerError(
            f"scheduler '{scheduler}': cannot be reached: {reason}; "
            "give it as tcp://host:port, or leave it out to use this machine"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
        except TimeoutError:
            raise SchedulerError(
                f"scheduler '{scheduler}': has no workers; start some with `dask worker`"
            ) from None
        _refuse_other_versions(client, scheduler)
        yield client


def _refuse_other_versions(client: Client, scheduler: str) -> None:
    """See that workers can read what they are sent: one that cannot is lost, and says nothing."""
    for worker, theirs in client.run(version, PACKAGE, on_error="return").items():
        if theirs != VERSION:
            found = "is not there" if isinstance(theirs, Exception) else f"is version {theirs}"
            raise SchedulerError(
                f"scheduler '{scheduler}': {PACKAGE} {found} on its worker {worker}; "
                f"install version {VERSION}"
            )


def _with_rows(
    rows: Mapping[str, Mapping[str, object]], work: Callable[..., Any], *task: Any
) -> Any:
    """Do a task with the families and effects that were added where it was given out."""
    for module, added in rows.items():
        import_module(module)
        TABLES[module].update(added)
    return work(*task)


def _runner(client: Client) -> Runner:
    added = {module: rows for module, table in TABLES.items() if (rows := table.added)}

    def run(work: Callable[..., Any], tasks: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
        waiting, running, done = iter(tasks), set[Future](), as_completed()

        def submit() -> None:
            # no more than keeps every worker busy: a task may carry megabytes
            # where no worker is there (it died, and is started again), one task waits for it
            room = max(AHEAD * sum(client.nthreads().values()), 1) - len(running)
            for task in islice(waiting, max(room, 0)):
                future = client.submit(_with_rows, added, work, *task, pure=False)
                running.add(future)
                done.add(future)

        try:
            submit()
            for future in done:
                running.discard(future)
                submit()
                yield _result(future)
                future.release()
        finally:
            client.cancel(list(running))

    return run


def _result(future: Future) -> Any:
    try:
        return future.result()
    except InterlocalError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        number, log = tempfile.mkstemp(".log", "interlocal-")
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.writelines(traceback.format_exception(error))
        raise SchedulerError(
            f"a worker failed (its traceback is in {log}): {reason}; what is finished is kept"
        ) from error
