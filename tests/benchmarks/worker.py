"""Fit one study with one program, in a process of its own, and write what it gave and cost.

    .venv/bin/python tests/benchmarks/worker.py REQUEST.json STEM

writes `STEM.nc`, the draws of the parameters that are compared, and `STEM.json`, what they cost.
"""

import importlib
import json
import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from peers import PEERS
from studies import made_study

from data.study import Study
from models.settings import Settings

PACKAGES = ("interlocal", "pymc", "pytensor", "nutpie", "numba", "numpyro", "jax", "bambi")


def main() -> None:
    """Do what is asked for, and write."""
    given, stem = sys.argv[1:]
    request = json.loads(Path(given).read_text(encoding="utf-8"))
    warnings.simplefilter("ignore")
    study = made_study(request["cities"], request["model"])
    if request["peer"] == "gradients":
        gradients = importlib.import_module("gradients")  # not needed by the fits, and slow
        found = {"seconds": gradients.gradient_seconds(study, request["model"])}
    else:
        found = _fitted(request, study, stem)
    loaded = [each for each in PACKAGES if each in sys.modules or each == "interlocal"]
    versions = {each: version(each) for each in loaded} | found.pop("versions", {})
    about = {"dyads": study.dyads.sizes["dyad"], "versions": versions, **found}
    Path(f"{stem}.json").write_text(json.dumps(about), encoding="utf-8")


def _fitted(request: dict[str, Any], study: Study, stem: str) -> dict[str, Any]:
    peer, how = PEERS[request["peer"]], Settings(**request["settings"])
    began = time.perf_counter()
    # imported here, so that what a program takes to start counts
    program = importlib.import_module(f"peers.{peer.module}")
    drawn = program.draw(study, request["model"], how, peer.sampler)
    seconds = time.perf_counter() - began
    drawn.posterior.to_netcdf(f"{stem}.nc", engine="h5netcdf")
    return {
        "sampling_seconds": drawn.seconds,
        "total_seconds": seconds,
        "divergences": drawn.divergences,
        "versions": drawn.versions,
    }


if __name__ == "__main__":
    main()
