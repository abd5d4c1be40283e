"""What is done about units that importance sampling over the draws does not reach."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from models.leave_out.integrations import (
    Integrations,
    integrated_units,
    joint_error,
    kept_integrations,
)
from models.leave_out.refit import Refits
from models.leave_out.refits import exact_refits, kept_refits
from models.work.cluster import Runner
from models.work.progress import Reporter


@dataclass(frozen=True)
class Treatment:
    """Units of one model: integrated where that reaches them, else refitted.

    A unit whose exact refit is there is not integrated: the refit is what integrating estimates.

    Attributes
    ----------
    integrations : Integrations or None
        The fit whose draws are used; None where every unit is refitted.
    """

    refits: Refits
    integrations: Integrations | None
    labels: list[str]

    def missing(self, results: Path) -> int:
        """Count the units about which there is work to do."""
        rest = self._without_refit(results)
        if self.integrations is None:
            return len(rest)
        kept = kept_integrations(self.integrations, rest, results)
        return len(rest) - int((kept["passed"] == 1).sum())

    def scores(
        self, posterior: xr.Dataset, results: Path, run: Runner, reporter: Reporter
    ) -> tuple[pd.DataFrame, float]:
        """Leave each unit out.

        Returns
        -------
        scores : pandas.DataFrame
            A row a unit: ``elpd``, its ``error``, ``pareto_k`` (0 of a refit), ``passed`` (0 of a
            refit that failed the gate) and ``integrated`` (whether it was).
        error : float
            Monte Carlo standard error of the sum of ``elpd``. Units that were integrated share
            the fit's draws; each refit has its own.
        """
        reached = pd.DataFrame(columns=["elpd", "error", "pareto_k", "passed"], dtype=float)
        error = 0.0
        if self.integrations is not None:
            rest = self._without_refit(results)
            done = integrated_units(self.integrations, posterior, rest, results, run, reporter)
            reached = done[done["passed"] == 1]
            error = joint_error(self.integrations, reached.index.tolist(), results)
        beyond = [label for label in self.labels if label not in reached.index]
        refitted = exact_refits(self.refits, beyond, results, run, reporter).assign(pareto_k=0.0)
        whole = pd.concat([reached.assign(integrated=True), refitted.assign(integrated=False)])
        scores = whole.loc[self.labels].astype({"integrated": bool})
        return scores, float(np.sqrt(error**2 + (refitted["error"] ** 2).sum()))

    def _without_refit(self, results: Path) -> list[str]:
        kept = set(kept_refits(self.refits, self.labels, results))
        return [label for label in self.labels if label not in kept]
