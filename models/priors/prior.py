"""One prior: a PyMC distribution by name, checked before any model is built."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data.errors import PriorError, suggest
from models.priors.distributions import DISTRIBUTIONS, HORSESHOE, POSITIVE, REAL, refuse_arguments

ONLY = {"LKJCorr": "correlation", HORSESHOE: "coef"}  # priors of one kind of parameter
KINDS = {"correlation": "correlations", "coef": "coefficients"}
SUPPORT = {
    "sd": POSITIVE,
    "dispersion": POSITIVE,
    "residual_sd": POSITIVE,
    "correlation": (-1.0, 1.0),
}


@dataclass(frozen=True)
class Prior:
    """A PyMC distribution by name, with its arguments.

    Attributes
    ----------
    source : str
        File and key that it was written under, for messages.
    """

    distribution: str
    arguments: tuple[tuple[str, float], ...]
    source: str = field(compare=False)

    def __str__(self) -> str:
        return f"{self.distribution}({', '.join(f'{k}={v:g}' for k, v in self.arguments)})"

    def dist(self, shape: tuple[int, ...] = ()) -> Any:
        """Make a random variable outside a model."""
        import pymc as pm  # noqa: PLC0415

        arguments = self._arrays
        if self.distribution == "LKJCorr":  # of two roles: one correlation, in [-1, 1]
            eta = arguments["eta"]
            return np.asarray(2.0) * pm.Beta.dist(eta, eta, shape=shape) - 1
        return getattr(pm, self.distribution).dist(**arguments, shape=shape)

    @property
    def _arrays(self) -> dict[str, np.ndarray]:
        # arrays, because PyTensor would take log(2.0) of a plain number in single precision
        return {name: np.asarray(value) for name, value in self.arguments}

    @property
    def can_be_shifted(self) -> bool:
        return self.distribution != HORSESHOE and self.support == REAL

    @property
    def sigma(self) -> float:
        """The scale of a normal or half-normal distribution."""
        return dict(self.arguments)["sigma"]

    @property
    def support(self) -> tuple[float, float]:
        """The interval outside which the density is zero."""
        return DISTRIBUTIONS[self.distribution].support_with(dict(self.arguments))

    def variable(self, name: str, **shape: Any) -> Any:
        """Add the prior's random variable to the model in whose context it is called.

        Parameters
        ----------
        **shape : dict
            ``shape`` or ``dims``, as PyMC takes them.
        """
        import pymc as pm  # noqa: PLC0415
        from pymc.distributions.transforms import Interval  # noqa: PLC0415

        if self.distribution == HORSESHOE:
            from models.priors.horseshoe import regularised_horseshoe  # noqa: PLC0415

            return regularised_horseshoe(name, self._arrays, shape["shape"])
        if self.distribution == "LKJCorr":
            return pm.CustomDist(
                name,
                dist=lambda size: self.dist(),  # noqa: ARG005 - PyMC passes it
                transform=Interval(np.asarray(-1.0), np.asarray(1.0)),
            )
        return getattr(pm, self.distribution)(name, **self._arrays, **shape)


def parse_prior(entry: Mapping[str, Any], kind: str, source: str) -> Prior:
    """Check one entry of a prior set."""
    arguments = dict(entry)
    name = arguments.pop("dist", None)
    if name is None:
        raise PriorError(f'{source}: no dist; name a PyMC distribution, as in dist = "Normal"')
    if not isinstance(name, str) or name not in DISTRIBUTIONS:
        known = [one for one in DISTRIBUTIONS if ONLY.get(one, kind) == kind]
        raise PriorError(f"{source}: no distribution '{name}' for it; {suggest(str(name), known)}")
    if ONLY.get(name, kind) != kind:
        raise PriorError(
            f"{source}: no distribution '{name}' for '{kind}'; it is a prior of {KINDS[ONLY[name]]}"
        )
    refuse_arguments(name, arguments, source)
    prior = Prior(name, tuple((key, float(value)) for key, value in arguments.items()), source)
    low, high = SUPPORT.get(kind, REAL)
    lower, upper = prior.support
    if lower < low or upper > high:
        allowed = (
            "LKJCorr, Uniform or TruncatedNormal with lower and upper"
            if kind == "correlation"
            else "HalfNormal, Exponential, Gamma or another positive distribution"
        )
        raise PriorError(
            f"{source}: values of kind '{kind}' lie between {low:g} and {high:g}, those of "
            f"{name} do not; use {allowed}"
        )
    return prior
