"""What the user sees while a model compiles, tunes and draws."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

SECONDS_BETWEEN_LINES = 10.0


def about(seconds: float) -> str:
    """Say how long work takes, as exactly as an estimate deserves."""
    for least, unit, name in ((5400, 3600, "h"), (90, 60, "min")):
        if seconds >= least:
            return f"about {seconds / unit:.0f} {name}"
    return f"about {max(seconds, 1):.0f} s"


class Reporter:
    """Hears of each stage of a fit; this one says nothing."""

    def tell(self, text: str) -> None:
        """Say something that stays."""

    def stage(self, text: str) -> None:
        """Begin a stage."""

    def advance(self, done: int, total: int, note: str = "") -> None:
        """Tell how far the stage is."""


class LineReporter(Reporter):
    """A line now and then, for logs."""

    def __init__(self, label: str, stream: TextIO) -> None:
        self._label, self._stream = label, stream
        self._text = ""
        self._last = time.monotonic()
        self._first: tuple[int, float] | None = None  # of the stage: how far it was, and when

    def tell(self, text: str) -> None:
        """Print a line."""
        print(f"{self._label}: {text}", file=self._stream, flush=True)

    def stage(self, text: str) -> None:
        """Begin a stage."""
        self._text, self._last, self._first = text, time.monotonic(), None
        print(f"{self._label}: {text}", file=self._stream, flush=True)

    def advance(self, done: int, total: int, note: str = "") -> None:
        """Tell how far the stage is, at most every ten seconds."""
        now = time.monotonic()
        if not self._first:
            self._first = done, now
        if now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            left = (now - self._first[1]) * (total - done) / max(done - self._first[0], 1)
            soon = f", about {left:.0f} s left" if done > self._first[0] else ""
            line = f"{self._label}: {self._text}: {done} of {total}{soon}{note and f', {note}'}"
            print(line, file=self._stream, flush=True)


class LiveReporter(Reporter):
    """A bar on a terminal."""

    def __init__(self, label: str, progress: Progress) -> None:
        self._label, self._progress = label, progress
        self._task: TaskID = progress.add_task(label, total=None, note="")

    def tell(self, text: str) -> None:
        """Print a line above the bar."""
        self._progress.console.print(f"{self._label}: {text}", markup=False, highlight=False)

    def stage(self, text: str) -> None:
        """Begin a stage."""
        self._progress.reset(self._task, description=f"{self._label}: {text}", total=None, note="")

    def advance(self, done: int, total: int, note: str = "") -> None:
        """Tell how far the stage is."""
        self._progress.update(self._task, completed=done, total=total, note=note)


@contextmanager
def reporting(label: str) -> Iterator[Reporter]:
    """Show progress on standard error: live on a terminal, else a line now and then."""
    if not sys.stderr.isatty():
        yield LineReporter(label, sys.stderr)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield LiveReporter(label, progress)
