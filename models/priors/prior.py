"""One prior: a PyMC distribution by name, checked before any model is built."""

import inspect
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from data.errors import PriorError, suggest

HORSESHOE = (
    "RegularizedHorseshoe"  # not one distribution but a group of them: models.priors.horseshoe
)
NEEDED = {
    "LKJCorr": "eta = 1 is flat",
    HORSESHOE: "priors/horseshoe.toml has values to start from",
}
SUPPORT = {"sd": (0.0, math.inf), "dispersion": (0.0, math.inf), "correlation": (-1.0, 1.0)}


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
        return self.distribution != HORSESHOE and self.support == (-math.inf, math.inf)

    @property
    def support(self) -> tuple[float, float]:
        """The interval outside which the density is zero."""
        from pymc.distributions.transforms import _default_transform  # noqa: PLC0415
        from pymc.logprob.transforms import IntervalTransform, LogTransform  # noqa: PLC0415

        if self.distribution == "LKJCorr":
            return -1.0, 1.0
        variable = self.dist()
        transform = _default_transform(variable.owner.op, variable)
        if isinstance(transform, LogTransform):
            return 0.0, math.inf
        if isinstance(transform, IntervalTransform):
            lower, upper = transform.args_fn(*variable.owner.inputs)
            low = -math.inf if lower is None else float(lower.eval())
            return low, math.inf if upper is None else float(upper.eval())
        return -math.inf, math.inf

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
    known = _distributions()
    if kind != "correlation":
        del known["LKJCorr"]
    if kind == "coef":
        known[HORSESHOE] = ["scale", "global_df", "local_df", "slab_scale", "slab_df"]
    if name == HORSESHOE and kind != "coef":
        raise PriorError(
            f"{source}: no distribution '{HORSESHOE}' for '{kind}'; it is a prior of coefficients"
        )
    if not isinstance(name, str) or name not in known:
        raise PriorError(f"{source}: no distribution '{name}' for it; {suggest(str(name), known)}")
    _refuse_arguments(name, arguments, known[name], source)
    prior = Prior(name, tuple((each, float(value)) for each, value in arguments.items()), source)
    if name != HORSESHOE:
        _refuse_improper(prior, kind)
    elif min(value for _, value in prior.arguments) <= 0:
        raise PriorError(f"{source}: the arguments of {name} are positive numbers")
    return prior


def _refuse_arguments(
    name: str, arguments: Mapping[str, Any], known: list[str], source: str
) -> None:
    for argument, value in arguments.items():
        if argument not in known:
            raise PriorError(
                f"{source}: {name} has no argument '{argument}'; {suggest(argument, known)}"
            )
        if not _is_finite(value):
            raise PriorError(f"{source}: {argument} = {str(value)[:40]} is not a finite number")
    if name in NEEDED and set(arguments) != set(known):
        raise PriorError(f"{source}: {name} needs {', '.join(known)}; {NEEDED[name]}")


def _is_finite(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        return False
    return bool(-sys.float_info.max <= value <= sys.float_info.max)


def _refuse_improper(prior: Prior, kind: str) -> None:
    import pymc as pm  # noqa: PLC0415

    try:
        variable = prior.dist()
        draw = pm.draw(variable, random_seed=0, mode="FAST_COMPILE")
        density = float(pm.logp(variable, draw).eval(mode="FAST_COMPILE"))
        lower, upper = prior.support
    except Exception as error:  # noqa: BLE001 - PyMC, PyTensor and NumPy each raise their own
        reason = " ".join(str(error).split("\n")[0].split())
        raise PriorError(
            f"{prior.source}: {prior.distribution} refuses its arguments: {reason}"
        ) from None
    if not math.isfinite(density):
        raise PriorError(
            f"{prior.source}: {prior.distribution} has no density with these arguments; "
            "give it a positive width"
        )
    low, high = SUPPORT.get(kind, (-math.inf, math.inf))
    if lower < low or upper > high:
        allowed = (
            "LKJCorr, Uniform or TruncatedNormal with lower and upper"
            if kind == "correlation"
            else "HalfNormal, Exponential, Gamma or another positive distribution"
        )
        raise PriorError(
            f"{prior.source}: values of kind '{kind}' lie between {low:g} and {high:g}, those of "
            f"{prior.distribution} do not; use {allowed}"
        )


def _distributions() -> dict[str, list[str]]:
    """List the univariate continuous distributions of PyMC that can be drawn, with arguments."""
    import pymc as pm  # noqa: PLC0415

    skipped = {"Continuous", "Flat", "HalfFlat", "Interpolated", "PolyaGamma"}
    not_arguments = {"args", "kwargs"}
    classes: dict[str, Any] = {
        name: member
        for name, member in vars(pm.distributions.continuous).items()
        if inspect.isclass(member)
        and issubclass(member, pm.distributions.Continuous)
        and hasattr(pm, name)
        and name not in skipped
    }
    found = {
        name: [
            argument
            for argument in inspect.signature(member.dist).parameters
            if argument not in not_arguments
        ]
        for name, member in classes.items()
    }
    return found | {"LKJCorr": ["eta"]}
