"""Whether the data show zero inflation: a verdict by stated rules."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from scipy.stats import gaussian_kde

MARGIN = 4.0  # a smaller difference of elpd says nothing (Sivula, Magnusson and Vehtari 2020)
OVERLAP = 0.5  # of prior and posterior, from which on the data have said little
GRID = 512
RULES = (
    f"identified: the zero-inflated model predicts a dyad better than its twin without inflation, "
    f"by at least {MARGIN:.0f} elpd and two standard errors, and prior and posterior of the "
    f"selection intercept overlap by less than {OVERLAP:.0%}. Not identified: it is not better by "
    f"{MARGIN:.0f} elpd, and either they overlap by more, or maximum likelihood ends where every "
    "dyad is eligible. Weakly identified: anything between."
)


@dataclass(frozen=True)
class Verdict:
    """What is known of a model's inflation.

    Attributes
    ----------
    model, twin : str
        The zero-inflated model, and the same without a selection part.
    gain, error : float
        How much better it predicts a dyad than its twin, in elpd, and the standard error.
    overlap : float
        Of prior and posterior of the selection intercept, from 0 to 1.
    at_boundary : bool
        Whether pooled maximum likelihood ends where every dyad is eligible.
    faults : tuple of str
        What is wrong with the twin's draws, where they fail the gate by little.
    """

    model: str
    twin: str
    gain: float
    error: float
    overlap: float
    at_boundary: bool
    faults: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """One of ``identified``, ``weakly identified`` and ``not identified``."""
        moved = self.overlap < OVERLAP
        if self.gain >= max(MARGIN, 2 * self.error) and moved:
            return "identified"
        if self.gain < MARGIN and (not moved or self.at_boundary):
            return "not identified"
        return "weakly identified"

    @property
    def sentence(self) -> str:
        """The verdict with its reasons."""
        where = "at the boundary" if self.at_boundary else "inside"
        return (
            f"{self.model}: inflation {self.verdict}: elpd {self.gain:+.1f} ± {self.error:.1f} "
            f"against {self.twin}, prior and posterior of the selection intercept overlap by "
            f"{self.overlap:.0%}, pooled maximum likelihood ends {where}.{self._flag}"
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
