"""Prior sets: TOML files that name a PyMC distribution for each parameter."""

import inspect
import json
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from data.declaration import PARTS
from data.errors import PriorError, suggest

FOLDER = Path(__file__).with_suffix("")  # the folder `priors` beside this file

# The general keys of a prior set, and the parameters that each stands for.
KINDS: dict[str, tuple[str, ...]] = {
    "intercept": tuple(f"{part}_intercept" for part in PARTS),
    "coef": tuple(f"{part}_coef" for part in PARTS),
    "sd": tuple(f"{part}_{side}_sd" for part in PARTS for side in ("sender", "receiver")),
    "correlation": tuple(f"{part}_generalized_reciprocity" for part in PARTS),
    "dispersion": ("dispersion",),
}
KIND_OF = {parameter: kind for kind, parameters in KINDS.items() for parameter in parameters}
KEYS = tuple(dict.fromkeys([*KINDS, *KIND_OF]))
SUPPORT = {"sd": (0.0, math.inf), "dispersion": (0.0, math.inf), "correlation": (-1.0, 1.0)}

Key = tuple[str, str | None]  # a parameter or kind, and a term where the prior is one term's own


@dataclass(frozen=True)
class Prior:
    """A PyMC distribution by name, with its arguments.

    Attributes
    ----------
    distribution : str
        The name of a univariate continuous PyMC distribution.
    arguments : tuple of (str, float)
        Its arguments.
    source : str
        File and key that it was written under, for messages.
    """

    distribution: str
    arguments: tuple[tuple[str, float], ...]
    source: str

    def dist(self, shape: tuple[int, ...] = ()) -> Any:
        """Make a random variable outside a model.

        Parameters
        ----------
        shape : tuple of int
            How many independent copies.

        Returns
        -------
        pytensor.tensor.TensorVariable
            The variable.
        """
        import pymc as pm  # noqa: PLC0415

        arguments = dict(self.arguments)
        if self.distribution == "LKJCorr":  # of two roles: one correlation, in [-1, 1]
            eta = arguments["eta"]
            return 2 * pm.Beta.dist(eta, eta, shape=shape) - 1
        return getattr(pm, self.distribution).dist(**arguments, shape=shape)

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
        name : str
            The variable's name.
        **shape : dict
            ``shape`` or ``dims``, as PyMC takes them.

        Returns
        -------
        pytensor.tensor.TensorVariable
            The variable.
        """
        import pymc as pm  # noqa: PLC0415
        from pymc.distributions.transforms import Interval  # noqa: PLC0415

        if self.distribution == "LKJCorr":
            return pm.CustomDist(name, dist=lambda size: self.dist(), transform=Interval(-1, 1))  # noqa: ARG005 - PyMC passes it
        return getattr(pm, self.distribution)(name, **dict(self.arguments), **shape)


@dataclass(frozen=True)
class Priors:
    """A prior set: a prior for each parameter, by the parameter's own key or a general one.

    Attributes
    ----------
    name : str
        Results are kept under it.
    entries : mapping of (str, str or None) to Prior
        By key (a parameter or a kind of parameter) and, for one term's own prior, the term.
    """

    name: str
    entries: Mapping[Key, Prior]

    @classmethod
    def load(cls, name: str | Path) -> Self:
        """Read a prior set.

        Parameters
        ----------
        name : str or pathlib.Path
            One of the sets that come with the package (see `prior_sets`), or a TOML file.

        Returns
        -------
        Priors
            The set, its parents' entries included.

        Raises
        ------
        PriorError
            There is no such set; the file is not TOML; a parameter, distribution or argument is
            unknown or out of range; parents form a circle.
        """
        path = _locate(str(name), Path())
        if path.parent != FOLDER and path.stem in prior_sets():
            raise PriorError(
                f"{path}: '{path.stem}' is the name of a set that comes with the package, and "
                "results are kept under it; give the file another name"
            )
        return cls(path.stem, _read(path, ()))

    def prior(self, parameter: str, term: str | None = None) -> Prior:
        """Look up the prior in force; a term's own wins, then the more specific key.

        Parameters
        ----------
        parameter : str
            For example ``degree_coef``.
        term : str, optional
            A term of the parameter.

        Returns
        -------
        Prior
            The prior.

        Raises
        ------
        PriorError
            The set says nothing of the parameter.
        """
        kind = KIND_OF[parameter]
        for key in ((parameter, term), (kind, term), (parameter, None), (kind, None)):
            if key in self.entries:
                return self.entries[key]
        raise PriorError(
            f"prior set '{self.name}': no prior for '{parameter}'; add [{parameter}] or [{kind}], "
            'or extends = "default"'
        )

    def variable(self, parameter: str, **shape: Any) -> Any:
        """Add a parameter to the model in whose context it is called.

        Parameters
        ----------
        parameter : str
            For example ``degree_sender_sd``.
        **shape : dict
            ``shape`` or ``dims``, as PyMC takes them.

        Returns
        -------
        pytensor.tensor.TensorVariable
            The variable.

        Raises
        ------
        PriorError
            The set has no prior for the parameter.
        """
        return self.prior(parameter).variable(parameter, **shape)

    def refuse_unknown_terms(self, terms: Mapping[str, Iterable[str]]) -> None:
        """Refuse a term's own prior where the study has no such term.

        Parameters
        ----------
        terms : mapping of str to iterable of str
            The study's terms by part.

        Raises
        ------
        PriorError
            A term is unknown; the message names the nearest.
        """
        for (key, term), prior in self.entries.items():
            parts = [part for part in terms if key in ("coef", f"{part}_coef")]
            known = [each for part in parts for each in terms[part]]
            if term is not None and term not in known:
                raise PriorError(
                    f"{prior.source}: no term '{term}' in the study's "
                    f"{' or '.join(parts)} formula; {suggest(term, known)}"
                )

    def to_json(self) -> str:
        """Write every entry, the same text for the same priors.

        Returns
        -------
        str
            JSON.
        """
        content = {
            key if term is None else f"{key}.{term}": [prior.distribution, dict(prior.arguments)]
            for (key, term), prior in self.entries.items()
        }
        return json.dumps(content, sort_keys=True)


def prior_sets() -> list[str]:
    """List the prior sets that come with the package.

    Returns
    -------
    list of str
        Their names.
    """
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def _locate(name: str, beside: Path) -> Path:
    if not name.endswith(".toml") and "/" not in name:
        if name not in prior_sets():
            raise PriorError(
                f"no prior set '{name}'; {suggest(name, prior_sets())}, or the path of a .toml file"
            )
        return FOLDER / f"{name}.toml"
    return beside / name


def _read(path: Path, children: tuple[Path, ...]) -> dict[Key, Prior]:
    if path in children:
        raise PriorError(f"{path}: extends itself, by way of its parents")
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8"))
    except OSError as error:
        raise PriorError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise PriorError(f"{path}: not UTF-8 at byte {error.start + 1}") from None
    except tomllib.TOMLDecodeError as error:
        raise PriorError(f"{path}: not valid TOML: {error}") from None
    parent = content.pop("extends", None)
    if parent is not None and not isinstance(parent, str):
        raise PriorError(f"{path}: extends names one prior set or file")
    entries = {} if parent is None else _read(_locate(parent, path.parent), (*children, path))
    own = dict(_entries(content, str(path)))
    # A general key of this file replaces its parent's particular ones too: what the user wrote
    # last must not be silently overruled by a file that it extends.
    kept = {key: prior for key, prior in entries.items() if not _covered(key, own)}
    return kept | own


def _covered(key: Key, own: Mapping[Key, Prior]) -> bool:
    name, term = key
    kind = KIND_OF.get(name, name)
    return any(other in own for other in ((name, None), (kind, None), (kind, term)))


def _entries(content: Mapping[str, Any], path: str) -> Iterable[tuple[Key, Prior]]:
    for key, entry in content.items():
        if key not in KEYS:
            raise PriorError(f"{path}: no parameter '{key}'; {suggest(key, KEYS)}")
        if not isinstance(entry, dict):
            raise PriorError(f'{path}: {key}: write a table, [{key}] with dist = "…"')
        terms = {term: value for term, value in entry.items() if isinstance(value, dict)}
        if terms and KIND_OF.get(key, key) != "coef":
            raise PriorError(f"{path}: [{key}.{next(iter(terms))}]: only coefficients have terms")
        whole = {name: value for name, value in entry.items() if name not in terms}
        if whole or not terms:
            yield (key, None), _prior(whole, key, f"{path}: [{key}]")
        for term, value in terms.items():
            yield (key, term), _prior(value, key, f'{path}: [{key}."{term}"]')


def _prior(entry: Mapping[str, Any], key: str, source: str) -> Prior:
    arguments = dict(entry)
    name = arguments.pop("dist", None)
    known = _distributions()
    if name is None:
        raise PriorError(f'{source}: no dist; name a PyMC distribution, as in dist = "Normal"')
    kind = KIND_OF.get(key, key)
    if name not in known or (name == "LKJCorr") > (kind == "correlation"):
        raise PriorError(f"{source}: no distribution '{name}' for it; {suggest(str(name), known)}")
    for argument, value in arguments.items():
        if argument not in known[name]:
            raise PriorError(
                f"{source}: {name} has no argument '{argument}'; {suggest(argument, known[name])}"
            )
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise PriorError(f"{source}: {argument} = {value!r} is not a finite number")
    prior = Prior(name, tuple((each, float(value)) for each, value in arguments.items()), source)
    _refuse_improper(prior, kind)
    return prior


def _refuse_improper(prior: Prior, kind: str) -> None:
    import pymc as pm  # noqa: PLC0415

    try:
        pm.draw(prior.dist(), random_seed=0, mode="FAST_COMPILE")
        lower, upper = prior.support
    except Exception as error:  # noqa: BLE001 - PyMC, PyTensor and NumPy each raise their own
        reason = " ".join(str(error).split("\n")[0].split())
        raise PriorError(
            f"{prior.source}: {prior.distribution} refuses its arguments: {reason}"
        ) from None
    low, high = SUPPORT.get(kind, (-math.inf, math.inf))
    if lower < low or upper > high:
        raise PriorError(
            f"{prior.source}: a {kind} lies between {low:g} and {high:g}, {prior.distribution} "
            "does not; "
            + (
                "use LKJCorr, Uniform or TruncatedNormal with lower and upper"
                if kind == "correlation"
                else "use HalfNormal, Exponential, Gamma or another positive distribution"
            )
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
