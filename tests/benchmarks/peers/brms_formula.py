"""The crossed model by R's brms: `brms.R` beside this file, and what its names mean."""

import json
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import xarray as xr
from studies import PREDICTORS, standardised

from data.study import Study
from models.settings import Settings
from peers.drawn import Drawn, compared, cores

SCRIPT = Path(__file__).with_name("brms.R")
SIDES = ("sender", "receiver")


def draw(study: Study, model: str, how: Settings, sampler: str) -> Drawn:
    """Sample in R, and read what it has written."""
    table, scales = standardised(study)
    with TemporaryDirectory() as name:
        given, draws, about = (Path(name) / file for file in ("dyads.csv", "draws.csv", "run.json"))
        table.to_csv(given, index=False)
        rscript = shutil.which("Rscript") or "Rscript"
        numbers = (how.draws, how.tune, how.chains, cores(how), how.seed, how.target_accept)
        subprocess.run(
            [rscript, "--vanilla", SCRIPT, given, draws, about, *map(str, numbers)], check=True
        )
        run = json.loads(about.read_text(encoding="utf-8"))
        found = pd.read_csv(draws).set_index([".chain", ".iteration"])
    posterior = compared(_renamed(found, scales))
    return Drawn(posterior, run["seconds"], run["divergences"], run["versions"])


def _renamed(found: pd.DataFrame, scales: np.ndarray) -> xr.Dataset:
    chains = found.index.unique(".chain").size

    def drawn(name: str) -> np.ndarray:
        return found[name].to_numpy().reshape(chains, -1)

    posterior = xr.Dataset({"dispersion": (("chain", "draw"), 1 / drawn("shape"))})
    # brms models the probability of an extra zero, ours is that of no extra zero
    for part, infix, sign in (("selection", "zi_", -1), ("degree", "", 1)):
        coefs = [drawn(f"b_{infix}{term}") for term in PREDICTORS]
        posterior[f"{part}_intercept"] = (("chain", "draw"), sign * drawn(f"b_{infix}Intercept"))
        posterior[f"{part}_coef"] = xr.DataArray(
            sign * np.stack(coefs, axis=-1) / scales,
            {f"{part}_term": PREDICTORS},
            ("chain", "draw", f"{part}_term"),
        )
        for side in SIDES:
            sd = drawn(f"sd_{side}__{infix}Intercept")
            posterior[f"{part}_{side}_sd"] = (("chain", "draw"), sd)
    return posterior
