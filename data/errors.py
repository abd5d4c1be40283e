"""The errors that a user can cause and mend; the command line prints each as one line."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from difflib import get_close_matches


class InterlocalError(Exception):
    """A fault in what the user gave; its message says what is wrong and what would be right."""

    exit_status = 2


class StudyError(InterlocalError):
    """A study folder, its declaration, its table or its formulas are not usable."""


class RowError(StudyError):
    """Rows of a table are not usable; the message begins with them."""


class PriorError(InterlocalError):
    """A prior set does not exist or says something that the model cannot use."""


class ModelError(InterlocalError):
    """A model name does not exist, or a setting of its sampler is not usable."""


class ModelCaution(UserWarning):
    """A model is asked for whose results need care."""


class ResultsError(InterlocalError):
    """A result cannot be written or read."""


class QueryError(InterlocalError):
    """What is asked of a fit does not suit it."""


class SchedulerError(InterlocalError):
    """A dask scheduler cannot be reached, or its workers cannot work."""


class ConvergenceError(InterlocalError):
    """A fit failed its diagnostics."""

    exit_status = 3


@contextmanager
def located(place: object, *kinds: type[InterlocalError]) -> Iterator[None]:
    """Put the place before the message of a fault that is raised within: of these kinds, if any."""
    try:
        yield
    except InterlocalError as fault:
        if not kinds or type(fault) in kinds:
            fault.args = (f"{place}: {fault}",)
        raise


def suggest(name: str, valid: Iterable[str]) -> str:
    """Say which valid name is nearest, and list them all."""
    known = list(valid)
    return f"{nearest(name, known)}Valid: {', '.join(known) or 'none'}"


def nearest(name: str, valid: Iterable[str]) -> str:
    """Say which valid name is nearest, with a blank at its end; nothing where none is near."""
    folded = {word.casefold(): word for word in valid}
    near = get_close_matches(name.casefold(), folded, n=1, cutoff=0.5)
    return f"did you mean '{folded[near[0]]}'? " if near else ""


def rows(labels: Sequence[int | str], shown: int = 3) -> str:
    """Name rows of a file as the user's program does: by number, or by what has none in words."""
    named = ", ".join(str(label) for label in labels[:shown])
    more = f" and {len(labels) - shown} more" if len(labels) > shown else ""
    if isinstance(labels[0], str):
        return f"{named}{more}"
    return f"row{'s' if len(labels) > 1 else ''} {named}{more}"
