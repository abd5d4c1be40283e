"""The machine, the versions and the command that made a table, in words."""

import datetime as dt
import os
import platform
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

import psutil
from fits import Fit

BUSY = 0.5  # processes that wait for a core, on average of the last minute


def made_by(fits: Iterable[Fit], load: float) -> str:
    """Say what made the tables."""
    versions: dict[str, str] = {}
    for fit in fits:
        versions |= fit.attributes.get("versions", {})
    packages = ", ".join(f"{name} {number}" for name, number in versions.items())
    memory = psutil.virtual_memory().total / 2**30
    command = " ".join([".venv/bin/python", shlex.join(sys.argv)])
    today = dt.datetime.now(tz=dt.UTC).date()
    busy = f" Other work was running: load {load:.1f} at the start." if load > BUSY else ""
    return (
        f"    {command}\n\n"
        f"{_processor()}, {os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} "
        f"{platform.machine()}; Python {platform.python_version()}, {packages}; "
        f"{today}.{busy}\n"
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown processor"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else "unknown processor"
