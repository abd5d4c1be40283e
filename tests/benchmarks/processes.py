"""A command in a session of its own: its time, its memory, and its end at a limit."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

POLL = 0.2  # seconds between two looks at the memory


@dataclass(frozen=True)
class Ended:
    """How a command ended.

    Attributes
    ----------
    status : int or None
        Its exit status; None where it was ended at the limit.
    peak_bytes : int
        The most memory that its processes held together, each shared page counted once.
    """

    status: int | None
    peak_bytes: int


def run_limited(
    command: Sequence[str], limit: float, environment: Mapping[str, str], log: Path
) -> Ended:
    """Run a command, and end it with all that it has started where it exceeds its limit."""
    began, peak = time.monotonic(), 0
    with log.open("wb") as said:
        process = subprocess.Popen(
            command, env=environment, stdout=said, stderr=said, start_new_session=True
        )
        try:
            while time.monotonic() - began < limit:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    return Ended(process.wait(timeout=POLL), peak)
                peak = max(peak, sum(_held(member) for member in _session(process.pid)))
            return Ended(None, peak)
        finally:
            _end_session(process)


def _session(number: int) -> Iterator[psutil.Process]:
    # by session and not by parent: R starts its chains through a shell that ends at once
    for each in psutil.pids():
        with contextlib.suppress(OSError, psutil.Error):
            if os.getsid(each) == number:
                yield psutil.Process(each)


def _held(member: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        memory = member.memory_full_info()
        return getattr(memory, "pss", memory.uss)  # where the system knows no pss: without shared
    return 0


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """End what is left of the session that this process began."""
    while left := [each for each in _session(process.pid) if each.status() != "zombie"]:
        for member in left:
            with contextlib.suppress(psutil.Error):
                member.send_signal(signal.SIGKILL)
        time.sleep(0.05)
    process.wait()
