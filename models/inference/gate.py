"""The gate: whether the draws of a fit can be believed."""

from dataclasses import dataclass

import arviz as az
import numpy as np
import xarray as xr

MAX_R_HAT = 1.01
MIN_ESS = 400
MIN_BFMI = 0.3
ENOUGH = 50  # effective draws that the density of a unit must rest on
APART = 1.05  # R-hat from which on chains are said to be in different places
HANDFUL = 5  # divergences


@dataclass(frozen=True)
class Diagnostics:
    """What is known of a sampler's run.

    Attributes
    ----------
    divergences : int
        Divergent transitions after tuning, all chains together.
    min_bfmi : float
        The lowest energy Bayesian fraction of missing information of a chain.
    faults : tuple of str
        Each broken rule, with the parameter or chain; empty where the fit passes.
    """

    max_r_hat: float
    worst: str
    min_ess_bulk: float
    min_ess_tail: float
    divergences: int
    min_bfmi: float
    faults: tuple[str, ...]

    @property
    def nearly(self) -> bool:
        """Whether the rules are broken by little: R-hat <= 1.05, ESS >= 100, few divergences."""
        return (
            self.max_r_hat <= APART
            and min(self.min_ess_bulk, self.min_ess_tail) >= MIN_ESS / 4
            and self.divergences <= HANDFUL
            and self.min_bfmi >= MIN_BFMI
        )

    @property
    def remedy(self) -> str:
        """The next thing to try."""
        if not self.faults:
            return ""
        if self.divergences:
            return "try TARGET_ACCEPT=0.99, then a prior set that is tighter on the sds"
        if self.min_bfmi < MIN_BFMI:
            return "try TUNE=2000, then a prior set that is tighter on the sds and dispersion"
        return "try DRAWS=4000 TUNE=2000; a parameter that still fails may not be identified"


@dataclass(frozen=True)
class FirstTry:
    """What a run showed that failed, where another passed after it.

    Attributes
    ----------
    worst : str
        The parameter of the largest R-hat.
    means : tuple of float
        The mean of each chain, and ``sd``, the spread within a chain.
    """

    faults: tuple[str, ...]
    max_r_hat: float
    worst: str
    means: tuple[float, ...]
    sd: float

    @property
    def apart(self) -> bool:
        """Whether its chains were in different places: R-hat > 1.05, means half an sd apart."""
        return self.max_r_hat > APART and max(self.means) - min(self.means) > self.sd / 2

    @property
    def sentence(self) -> str:
        """The same in words."""
        said = f"The first try failed: {'; '.join(self.faults)}."
        if not self.apart:
            return said
        return (
            f"{said} Its chains were in different places: their means of {self.worst} went from "
            f"{min(self.means):.2f} to {max(self.means):.2f}, with a standard deviation of "
            f"{self.sd:.2f} within a chain. This may be slowness, or a second region of the "
            "posterior, which draws that pass may have missed or given a wrong weight."
        )


def first_try(posterior: xr.Dataset, found: Diagnostics) -> FirstTry:
    """Put together what a run showed that failed.

    Parameters
    ----------
    posterior : xarray.Dataset
        Its draws (chain, draw, ...).
    """
    draws, worst = posterior[[found.worst.partition("[")[0]]], found.worst
    means = (_flat(draws.isel(chain=k).mean("draw"))[worst] for k in range(draws.sizes["chain"]))
    sd = _flat(draws.var("draw").mean("chain"))[worst] ** 0.5
    return FirstTry(found.faults, float(found.max_r_hat), worst, tuple(means), sd)


def diagnose(posterior: xr.Dataset, stats: xr.Dataset) -> Diagnostics:
    """Hold draws against the gate.

    Its rules: R-hat <= 1.01, bulk and tail ESS >= 400 (Vehtari, Gelman, Simpson, Carpenter and
    Burkner 2021), no divergences, E-BFMI >= 0.3 (Betancourt 2016). A parameter that does not move
    fails.

    Parameters
    ----------
    stats : xarray.Dataset
        ``diverging`` and ``energy`` (chain, draw) of the run that the draws come from.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # a parameter that does not move
        r_hat = _flat(az.rhat(posterior))
        bulk = _flat(az.ess(posterior, method="bulk"))
        tail = _flat(az.ess(posterior, method="tail"))
    divergences = int(stats["diverging"].sum())
    bfmi = _bfmi(stats["energy"].to_numpy())
    faults = []
    # the comparisons are written so that a NaN breaks the rule
    worst = max(r_hat, key=lambda name: np.nan_to_num(r_hat[name], nan=np.inf))
    if not r_hat[worst] <= MAX_R_HAT:
        faults.append(f"R-hat {r_hat[worst]:.3f} > {MAX_R_HAT} ({worst})")
    for kind, ess in (("bulk", bulk), ("tail", tail)):
        name = min(ess, key=lambda name: np.nan_to_num(ess[name], nan=-np.inf))
        if not ess[name] >= MIN_ESS:
            faults.append(f"{kind} ESS {ess[name]:.0f} < {MIN_ESS} ({name})")
    if divergences:
        faults.append(f"{divergences} divergence{'s' if divergences > 1 else ''}")
    if not bfmi.min() >= MIN_BFMI:
        faults.append(f"E-BFMI {bfmi.min():.2f} < {MIN_BFMI} (chain {int(bfmi.argmin())})")
    return Diagnostics(
        max_r_hat=r_hat[worst],
        worst=worst,
        min_ess_bulk=min(bulk.values()),
        min_ess_tail=min(tail.values()),
        divergences=divergences,
        min_bfmi=float(bfmi.min()),
        faults=tuple(faults),
    )


def good_k(samples: int) -> float:
    """Give the Pareto k up to which so many draws suffice (Vehtari et al. 2024)."""
    return float(min(1 - 1 / np.log10(samples), 0.7)) if samples > 10 else 0.7


def _flat(values: xr.Dataset) -> dict[str, float]:
    """Label every scalar: ``degree_sender[Foshan]``."""
    flat = {}
    for name, variable in values.data_vars.items():
        if not variable.ndim:
            flat[str(name)] = float(variable)
            continue
        for label, value in variable.to_series().items():
            labels = label if isinstance(label, tuple) else (label,)
            flat[f"{name}[{', '.join(map(str, labels))}]"] = float(value)
    return flat


def _bfmi(energy: np.ndarray) -> np.ndarray:
    return (np.diff(energy, axis=1) ** 2).mean(axis=1) / energy.var(axis=1)
