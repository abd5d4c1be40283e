"""Whether the data show zero inflation: a verdict by stated rules."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.stats import gaussian_kde

from analysis.comparison.errors import MARGIN, Errors

GRID = 512
WEAK = 2.0  # elpd, which few gains exceed without inflation: 2 of 49 (docs/comparing.md)
RULES = (
    f"identified: the zero-inflated model predicts a dyad better than its twin without inflation, "
    f"by at least {MARGIN:.0f} elpd and one standard error for these cities. Not identified: it is "
    f"better by less than {WEAK:.0f} elpd. Weakly identified: anything between. Two standard "
    "errors are not asked for: the twin is the same model with no inflation, and where there is "
    "none the gain hardly varies."
)


@dataclass(frozen=True)
class Verdict:
    """What is known of a model's inflation.

    Attributes
    ----------
    model, twin : str
        The zero-inflated model, and the same without a selection part.
    gain : float
        How much better it predicts a dyad than its twin, in elpd.
    errors : analysis.comparison.errors.Errors
        The gain's standard errors.
    overlap : float
        Of prior and posterior of the selection intercept, from 0 to 1; no part of the verdict, for
        inflation may be a rule of the predictors.
    at_boundary : bool
        Whether pooled maximum likelihood ends where every dyad is eligible; nor is this.
    faults : tuple of str
        What is wrong with the twin's draws, where they fail the gate by little.
    """

    model: str
    twin: str
    gain: float
    errors: Errors
    overlap: float
    at_boundary: bool
    faults: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """One of ``identified``, ``weakly identified`` and ``not identified``."""
        if self.gain >= max(MARGIN, self.errors.these):
            return "identified"
        return "not identified" if self.gain < WEAK else "weakly identified"

    @property
    def sentence(self) -> str:
        """The verdict with its reasons."""
        where = "at the boundary, every dyad eligible" if self.at_boundary else "inside"
        these, others = self.errors.these, self.errors.others
        return (
            f"{self.model}: inflation {self.verdict}: elpd {self.gain:+.1f} against {self.twin} "
            f"(± {these:.1f} for these cities, ± {others:.1f} for others). Prior and posterior of "
            f"the selection intercept overlap by {self.overlap:.0%}; pooled maximum likelihood "
            f"ends {where}.{self._flag}"
        )

    @property
    def _flag(self) -> str:
        if not self.faults:
            return ""
        return f" {self.twin} misses the diagnostics by little: {'; '.join(self.faults)}."


def twin_of(model: str) -> str:
    """Name the model without a selection part that a zero-inflated one is held against.

    Returns
    -------
    str
        For example ``nb_srm`` for ``zinb_srm``; empty where the model is not zero-inflated.
    """
    family, _, effects = model.partition("_")
    twins = {"zinb": "nb", "zip": "poisson"}
    return f"{twins[family]}_{effects}" if family in twins else ""


def overlap(prior: xr.DataArray, posterior: xr.DataArray) -> float:
    """Compute the overlap of two distributions from their draws.

    Returns
    -------
    float
        The integral of the smaller of the two densities, from 0 (apart) to 1 (the same); kernel
        density estimates.
    """
    draws = [sample.to_numpy().ravel() for sample in (prior, posterior)]
    grid = np.linspace(
        min(sample.min() for sample in draws), max(sample.max() for sample in draws), GRID
    )
    densities = [gaussian_kde(sample)(grid) for sample in draws]
    return float(np.minimum(*densities).sum() * (grid[1] - grid[0]))
