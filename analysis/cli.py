"""The command line: `interlocal`, with `make` as its front door."""

import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from threading import current_thread, main_thread
from typing import Any

import typer
from typer.main import get_command

from analysis.commands.compare import compare
from analysis.commands.figures import figures
from analysis.commands.mle import mle
from analysis.commands.new import new
from analysis.commands.priors import priors
from analysis.commands.report import report
from analysis.commands.sample import sample
from analysis.commands.sbc import sbc
from analysis.commands.sensitivity import sensitivity
from analysis.commands.simulate import simulate
from analysis.commands.table import table
from data.errors import InterlocalError, ModelCaution

LONGEST = 1000  # characters of a message; what it quotes may be a whole file

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Bayesian regression of dyads: what a city directs at another one, or shares with it.",
)
for command in (
    new,
    sample,
    mle,
    compare,
    sensitivity,
    table,
    figures,
    report,
    priors,
    simulate,
    sbc,
):
    app.command()(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns
    -------
    int
        Exit status: 0 done, 2 bad input (one line says what), 3 a fit failed its diagnostics
        or a model is not calibrated, 130 interrupted.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=ModelCaution)  # printed with the results
        warnings.showwarning = _warn
        with _ended_in_order():
            return _status(arguments)


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Take SIGTERM, by which a machine's scheduler ends a job, for an interrupt."""
    if current_thread() is not main_thread():  # where Python hears no signals
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


@cache
def _commands() -> Callable[..., Any]:
    """Give the commands as typer understands them, made once a process."""
    return get_command(app)


def _status(arguments: Sequence[str] | None) -> int:
    try:
        status = _commands()(args=arguments, prog_name="interlocal", standalone_mode=False)
    except InterlocalError as error:
        _complain(str(error))
        return error.exit_status
    except OSError as error:  # a name too long, a full disk, a missing right
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}")
        return 2
    except typer.TyperException as error:  # an option or argument that typer refuses
        if message := error.format_message():
            _complain(f"{message.rstrip('.')}; see interlocal --help")
        return 2
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("\ninterrupted; nothing is half-written", file=sys.stderr)
        return 130
    return status if isinstance(status, int) else 0


def _warn(
    message: Warning | str,
    category: type[Warning],
    filename: str,  # noqa: ARG001 - Python passes where it was raised
    lineno: int,  # noqa: ARG001
    file: object = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    """Print a warning of a library as one line; Python's own filters say how often."""
    _complain(f"{category.__name__}: {' '.join(str(message).split())}", "warning")


def _complain(message: str, kind: str = "error") -> None:
    """Print one line, whatever the text that it quotes may hold."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    if len(line) > LONGEST:  # the place stands at its begin, the remedy at its end
        line = f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"
    print(f"{kind}: {line}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
