"""One piece of work after another, each in a process of its own; what is kept is not done twice."""

import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from processes import run_limited

from data.files import replacing
from models.settings import Settings

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HELPERS = ROOT / "tests" / "helpers"
GRADIENTS = "gradients"  # asked for as if it were a peer


@dataclass(frozen=True)
class Request:
    """A fit that is asked for, or the gradients of a study."""

    model: str
    cities: int
    peer: str
    settings: Settings


@dataclass(frozen=True)
class Fit:
    """How it ended.

    Attributes
    ----------
    request : Request
        What was asked for.
    state : str
        `done`, `exceeded` (the limit) or `failed`.
    about : dict
        Seconds, memory, dyads, divergences and versions, or as many of them as are known.
    draws, log : pathlib.Path
        The files of the draws, if there are any, and of what the program said.
    is_kept : bool
        Whether an earlier run made it.
    """

    request: Request
    state: str
    about: dict[str, Any]
    draws: Path
    log: Path
    is_kept: bool


def kept_or_made(request: Request, limit: float, folder: Path, *, force: bool) -> Fit:
    """Take what an earlier run of the same code finished, or had as much time for; else do it."""
    home = folder / request.model / f"{request.cities}-cities"
    record, draws, log = (
        home / f"{request.peer}-{request.settings.seed}.{suffix}"
        for suffix in ("json", "nc", "log")
    )
    digest = _digest(request)
    about = {} if force else _read(record)
    state = about.get("state")
    if about.get("digest") == digest and (
        state == "done" or (state == "exceeded" and about["limit"] >= limit)
    ):
        return Fit(request, state, about, draws, log, is_kept=True)
    home.mkdir(parents=True, exist_ok=True)
    about = _made(request, limit, draws, log) | {"digest": digest, "limit": limit}
    with replacing(record) as target:
        target.write_text(json.dumps(about, indent=1), encoding="utf-8")
    return Fit(request, about["state"], about, draws, log, is_kept=False)


def _read(record: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(record.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # not there, or not whole
        return {}


def _made(request: Request, limit: float, draws: Path, log: Path) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        given, found = Path(name) / "request.json", Path(name) / "found.json"
        given.write_text(json.dumps(asdict(request)), encoding="utf-8")
        command = [sys.executable, str(HERE / "worker.py"), str(given), str(found.with_suffix(""))]
        ended = run_limited(command, limit, _environment(request, name), log)
        state = {None: "exceeded", 0: "done"}.get(ended.status, "failed")
        about = {"state": state, "peak_bytes": ended.peak_bytes}
        if state == "done":
            about |= _read(found)
            if found.with_suffix(".nc").exists():
                with replacing(draws) as target:
                    shutil.copyfile(found.with_suffix(".nc"), target)
    return about


def _environment(request: Request, folder: str) -> dict[str, str]:
    paths = [str(ROOT), str(HELPERS), os.environ.get("PYTHONPATH", "")]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "TMPDIR": folder,  # what a process that is ended leaves behind goes with the folder
        # matrix products that start threads would wait for the cores that other chains use
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    if request.peer != GRADIENTS:  # empty caches, so that every program compiles what it needs
        environment["NUMBA_CACHE_DIR"] = f"{folder}/numba"
        environment["PYTENSOR_FLAGS"] = f"base_compiledir={folder}/pytensor"
    return environment


def _digest(request: Request) -> str:
    """Sum up what the outcome depends on: what was asked for, and the code that answers."""
    total = hashlib.sha256(json.dumps(asdict(request), sort_keys=True).encode())
    for path in sorted(_sources(request.peer)):
        total.update(path.read_bytes())
    return total.hexdigest()


def _sources(peer: str) -> Iterator[Path]:
    yield from (HERE / "worker.py", HERE / "studies.py", HELPERS / "plain_models.py")
    yield from (path for path in (HERE / "peers").iterdir() if path.is_file())
    yield from (ROOT / "data" / "simulate.py", ROOT / "requirements.lock")
    if peer in ("ours", GRADIENTS):
        yield HERE / "gradients.py"
        yield from (ROOT / "models").rglob("*.py")
        yield from (ROOT / "models").rglob("*.toml")
