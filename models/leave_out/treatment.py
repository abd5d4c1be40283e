"""Units that importance sampling over the draws does not reach: integrated, or else refitted.

Each result is kept as it ends. A unit whose exact refit is there is not integrated: the refit is
what integrating estimates. Where no refits are wanted, a unit that integrating does not reach keeps
what it found there, and one that nothing is integrated out of what it had; neither is *reached*.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from models.inference.predictive import thinned
from models.leave_out.gaussian import amounts_of, halves_alike, has_exact_densities
from models.leave_out.gaussian_positions import densities_with_positions, with_positions
from models.leave_out.integrated import (
    DRAWN,
    DRAWS,
    LARGEST_ERROR,
    NEAR,
    PARTNERS,
    WIDE,
    integrate,
    log_densities,
)
from models.leave_out.new_city import log_densities_of_newcomer, newcomer
from models.leave_out.refit import Refits, refit
from models.leave_out.unit_in_fit import unit_in_fit
from models.leave_out.units import rows_of_units
from models.work.fits import digest_of
from models.work.made_from import LEFT_OUT
from models.work.pieces import Bench, Pieces
from models.work.progress import about
from models.work.workspace import Workspace

COLUMNS = ["elpd", "error", "pareto_k", "effective", "passed"]


@dataclass(frozen=True)
class Treatment:
    """Units of one model that are left out one after the other.

    Attributes
    ----------
    fit : str
        Digest of the fit whose draws are integrated over; empty where every unit is refitted, for
        the model has no city effects.
    labels : list of str
        The units.
    refitting : bool
        Whether units are refitted; those whose refits are there are used in any case.
    """

    refits: Refits
    fit: str
    labels: list[str]
    results: Path
    refitting: bool = True

    @property
    def missing(self) -> int:
        """How many units there is work to do about."""
        rest = self._without_refit
        if not self.fit:
            return len(rest) if self.refitting else 0
        there = self.integrated_pieces(rest)
        kept = Pieces({label: there.paths[label] for label in there.kept}, there.digest)
        passed = int((kept.scalars(["passed"])["passed"] == 1).sum())
        return len(rest) - (passed if self.refitting else len(kept.paths))

    @property
    def plan(self) -> str:
        """What there is to do, and how long it takes where that is known; empty if nothing."""
        number, refits = self.missing, self.refits
        if not number:
            return ""
        if not self.fit:
            return f"{refits.model} by {refits.unit}: {self._refits_to_come(number)}"
        left = "keeps its estimate"
        if self.refitting:
            seconds = refits.begun.seconds
            left = "is refitted" + (f", {about(seconds)} each" if seconds else "")
        units = f"{number} units" if refits.unit == "city" else f"{number} of high Pareto k"
        return (
            f"{refits.model} by {refits.unit}: {units}, to be left out with the effects of their "
            f"cities integrated out; what that does not reach {left}"
        )

    def _refits_to_come(self, number: int) -> str:
        seconds = self.refits.begun.seconds
        many = f"{number} refit{'s' if number > 1 else ''}"
        return many + (f", {about(number * seconds)} in all" if seconds else "")

    def scores(self, posterior: xr.Dataset, bench: Bench) -> tuple[pd.DataFrame, float]:
        """Leave each unit out.

        Parameters
        ----------
        posterior : xarray.Dataset
            Draws (chain, draw, ...) of the fit to all counts.

        Returns
        -------
        scores : pandas.DataFrame
            A row a unit: ``elpd``, its ``error``, ``pareto_k`` (of a refit that of the densities
            in its draws, by dyad and by pair 0), ``effective`` draws, ``passed`` (0 of a refit that
            failed the gate, and of a unit that was not reached), ``integrated``
            (whether it was) and ``reached``. Units about which nothing was done have no row.
        error : float
            Monte Carlo standard error of the sum of ``elpd``. Units that were integrated share
            the fit's draws; each refit has its own.
        """
        done = pd.DataFrame(columns=COLUMNS, dtype=float)
        error = 0.0
        if self.fit:
            done = self.integrate(posterior, self._without_refit, bench)
            if self.refitting:
                done = done[done["passed"] == 1]
            error = self._joint_error(done.index.tolist())
        rest = [unit for unit in self.labels if unit not in done.index]
        refitted = self.refit(rest if self.refitting else self.refit_pieces(rest).kept, bench)
        if self.refits.unit != "city":  # of these arviz's container has the weights'
            refitted = refitted.assign(pareto_k=0.0)
        reached = done["passed"] == 1
        whole = pd.concat(
            [
                done.assign(integrated=reached, reached=reached),
                refitted.assign(integrated=False, reached=True),
            ]
        )
        scores = whole.loc[[unit for unit in self.labels if unit in whole.index]]
        scores = scores.astype({"integrated": bool, "reached": bool})
        return scores, float(np.sqrt(error**2 + (refitted["error"] ** 2).sum()))

    def refit(self, labels: Sequence[str], bench: Bench) -> pd.DataFrame:
        """Refit the model without each of some units."""
        pieces, refits = self.refit_pieces(labels), self.refits
        to_come = self._refits_to_come(len(labels) - len(pieces.kept))
        title = f"{refits.model}: refits without each {refits.unit}: {to_come}"
        pieces.make(refit, lambda label: (refits, label), title, bench)
        return pieces.scalars(COLUMNS)

    def integrate(self, posterior: xr.Dataset, labels: Sequence[str], bench: Bench) -> pd.DataFrame:
        """Leave units out with the effects of their own cities integrated out."""
        refits, pieces = self.refits, self.integrated_pieces(labels)
        unit, study = refits.unit, refits.study
        used: list[xr.Dataset] = []  # read once, and only where it is needed

        def task_of(label: str) -> tuple[object, ...]:
            densities: partial[np.ndarray]
            if not used:
                every = unit == "city" and not has_exact_densities(refits.name)
                used.append(_used(posterior, None if every else DRAWS))
            if has_exact_densities(refits.name) and refits.name.factor_parts:
                placed = with_positions(
                    used[0], study.dyads, refits.name, unit, label, self._rows[label]
                )
                densities = partial(densities_with_positions, placed)
            elif has_exact_densities(refits.name):
                amounts = amounts_of(used[0], study.dyads, refits.name)
                densities = partial(halves_alike, amounts, self._rows[label])
            elif unit == "city":
                city = newcomer(used[0], study.dyads, refits.name, label)
                densities = partial(log_densities_of_newcomer, city)
            else:
                rows = self._rows[label]
                seen = unit_in_fit(used[0], study.dyads, refits.name, unit, rows)
                densities = partial(log_densities, seen)
            chains, seed = posterior.sizes["chain"], refits.settings.seed
            return densities, unit, label, chains, pieces.digest, seed

        which = "" if unit == "city" else " of high Pareto k"
        title = f"{refits.model}: each {unit}{which}, its cities' effects integrated out"
        pieces.make(integrate, task_of, title, bench, "left to refits")
        return pieces.scalars(COLUMNS)

    def refit_pieces(self, labels: Sequence[str]) -> Pieces:
        refits = self.refits
        workspace = Workspace(self.results, refits.study, refits.priors)
        place = {label: k for k, label in enumerate(self._rows)}
        paths = {
            label: workspace.left_out(refits.model, refits.unit, place[label]) for label in labels
        }
        return Pieces(paths, refits.digest)

    def integrated_pieces(self, labels: Sequence[str]) -> Pieces:
        """Name the integrated units, beside their refits: ``<number>.integrated.nc``."""
        constants = DRAWS, NEAR, DRAWN, WIDE, PARTNERS, LARGEST_ERROR
        digest = digest_of([self.refits.digest, self.fit, constants], LEFT_OUT)
        refits = self.refit_pieces(labels).paths
        paths = {label: path.with_suffix(".integrated.nc") for label, path in refits.items()}
        return Pieces(paths, digest)

    @cached_property
    def _rows(self) -> dict[str, np.ndarray]:
        return rows_of_units(self.refits.study.dyads, self.refits.unit)

    @property
    def _without_refit(self) -> list[str]:
        kept = set(self.refit_pieces(self.labels).kept)
        return [label for label in self.labels if label not in kept]

    def _joint_error(self, labels: Sequence[str]) -> float:
        """Give the Monte Carlo standard error of the summed elpd of integrated units."""
        influence: np.ndarray | float = 0.0
        bias = 0.0
        pieces = self.integrated_pieces(labels)
        for _, (of_one, bias_of_one) in pieces.values(("influence", "bias")):
            influence = influence + of_one
            bias += float(bias_of_one) ** 2
        return float(np.sqrt(np.sum(np.square(influence)) + bias))


def _used(posterior: xr.Dataset, number: int | None) -> xr.Dataset:
    """Take about so many draws, evenly spaced in each chain, one chain after the other."""
    draws = posterior.sizes["chain"] * posterior.sizes["draw"]
    few = posterior.isel(draw=slice(None, None, max(1, draws // (number or draws)))).load()
    return thinned(few, few.sizes["chain"] * few.sizes["draw"])
