"""Prior sets: TOML files that name a PyMC distribution for each parameter."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from data.declaration import PARTS, Part
from data.errors import PriorError, suggest
from data.files import read_toml
from models.distributions import Prior, parse_prior
from models.names import ModelName

FOLDER = Path(__file__).with_suffix("")  # the folder `priors` beside this file

# The general keys of a prior set, and the parameters that each stands for.
KINDS: dict[str, tuple[str, ...]] = {
    "intercept": tuple(f"{part}_intercept" for part in PARTS),
    "coef": tuple(f"{part}_coef" for part in PARTS),
    "sd": tuple(
        f"{part}_{each}_sd"
        for part in PARTS
        for each in ("sender", "receiver", "pair", "sender_slope", "receiver_slope")
    ),
    "correlation": (
        *(f"{part}_{each}_reciprocity" for part in PARTS for each in ("generalized", "dyadic")),
        "city_correlation",
    ),
    "dispersion": ("dispersion",),
}
KIND_OF = {parameter: kind for kind, parameters in KINDS.items() for parameter in parameters}
KEYS = tuple(dict.fromkeys([*KINDS, *KIND_OF]))

Key = tuple[str, str | None]  # a parameter or kind, and a term where the prior is one term's own


@dataclass(frozen=True)
class Priors:
    """A prior set: a prior for each parameter, by the parameter's own key or a general one.

    Attributes
    ----------
    name : str
        Results are kept under it.
    entries : mapping of (str, str or None) to Prior
        By key (a parameter or a kind of parameter) and, for one term's own prior, the term.
    path : str
        The file that it was read from, for messages.
    """

    name: str
    entries: Mapping[Key, Prior]
    path: str

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
        path = _locate(str(name), Path(), "")
        if path.parent != FOLDER and path.stem in prior_sets():
            raise PriorError(
                f"{path}: '{path.stem}' is the name of a set that comes with the package, and "
                "results are kept under it; give the file another name"
            )
        return cls(path.stem, _read(path, ()), str(path))

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
            f"{self.path}: no prior for '{parameter}'; add [{parameter}] or [{kind}], "
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

    def refuse_misfit(self, model: ModelName, terms: Mapping[Part, Sequence[str]]) -> None:
        """Refuse a set that lacks a parameter of the model, or names a term that is not there.

        Parameters
        ----------
        model : ModelName
            The model.
        terms : mapping of str to sequence of str
            The study's terms, for both parts.

        Raises
        ------
        PriorError
            The message names the parameter, or the term and the nearest that exists.
        """
        for (key, term), prior in self.entries.items():
            parts = [part for part in terms if key in ("coef", f"{part}_coef")]
            known = list(dict.fromkeys(each for part in parts for each in terms[part]))
            if term is not None and term not in known:
                raise PriorError(
                    f"{prior.source}: no term '{term}' in the study's "
                    f"{' or '.join(parts)} formula; {suggest(term, known)}"
                )
        for parameter in model.parameters:
            if not parameter.endswith("_coef"):
                self.prior(parameter)
        for part in model.parts:
            for term in terms[part]:
                self.prior(f"{part}_coef", term)
        if "city_correlation" in model.parameters:
            prior = self.prior("city_correlation")
            if prior.distribution != "LKJCorr":
                raise PriorError(
                    f"{prior.source}: a correlation matrix needs LKJCorr, not {prior.distribution}"
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


def _locate(name: str, beside: Path, source: str) -> Path:
    if name.endswith(".toml") or "/" in name:
        return beside / name
    if name not in prior_sets():
        raise PriorError(
            f"{source}no prior set '{name}'; {suggest(name, prior_sets())}, "
            "or the path of a .toml file"
        )
    return FOLDER / f"{name}.toml"


def _read(path: Path, children: tuple[Path, ...]) -> dict[Key, Prior]:
    if path in children:
        raise PriorError(f"{path}: extends itself, by way of its parents; end the circle")
    content = read_toml(path, PriorError, "give a set by name, or the path of a .toml file")
    parent = content.pop("extends", None)
    if parent is not None and not isinstance(parent, str):
        raise PriorError(f"{path}: extends names one prior set or file")
    entries: dict[Key, Prior] = {}
    if parent is not None:
        source = _locate(parent, path.parent, f"{path}: extends: ")
        entries = _read(source, (*children, path))
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
        kind = KIND_OF.get(key, key)
        if terms and kind != "coef":
            raise PriorError(f"{path}: [{key}.{next(iter(terms))}]: only coefficients have terms")
        whole = {name: value for name, value in entry.items() if name not in terms}
        if whole or not terms:
            yield (key, None), parse_prior(whole, kind, f"{path}: [{key}]")
        for term, value in terms.items():
            yield (key, term), parse_prior(value, kind, f'{path}: [{key}."{term}"]')
