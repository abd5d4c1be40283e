"""Prior sets: which prior is in force for each parameter."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from data.errors import PriorError, suggest
from data.study import Study
from models.name import CITY_CORRELATION, ModelName, named
from models.predictor.units import OWN, Units
from models.priors.files import (
    FOLDER,
    KIND_OF,
    OF,
    Key,
    for_family,
    locate,
    overlaid,
    parse_entries,
    prior_sets,
    read_entries,
)
from models.priors.prior import Prior

# Results are kept in a folder of a set's name.
NAME = re.compile(r"\w[\w .-]*")
TAKEN = ("maximum_likelihood",)  # folders beside those of prior sets


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

    @property
    def own_file(self) -> Path | None:
        """The user's file that it was read from; None for a set of the package or in memory."""
        file = Path(self.path)
        return file if file.is_file() and file.parent != FOLDER else None

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
        path = locate(str(name), Path(), "")
        if path.parent != FOLDER:
            _refuse_name(path.stem, f"{path}: ")
        return cls(path.stem, read_entries(path, ()), str(path))

    def replace(self, name: str, **entries: Mapping[str, Any]) -> Self:
        """Give a set in which some priors are others.

        Parameters
        ----------
        name : str
            The new set's name; results are kept under it.
        **entries : mapping
            What a TOML file that extends this set would hold, by key:
            ``degree_coef={"dist": "Normal", "sigma": 0.3}``, or for one term
            ``degree_coef={"mayor_ties": {"dist": "Normal", "sigma": 0.3}}``.

        Returns
        -------
        Priors
            The new set; this one stays as it is.

        Raises
        ------
        PriorError
            As for a file.
        """
        _refuse_name(name, "replace: ")
        return type(self)(name, overlaid(self.entries, dict(parse_entries(entries, name))), name)

    def table(self, study: Study, model: str) -> pd.DataFrame:
        """List every prior in force for a study and a model.

        Parameters
        ----------
        study : Study
            The study.
        model : str
            The model's name.

        Returns
        -------
        pandas.DataFrame
            A row a parameter and term: ``parameter``, ``term``, ``prior`` (the distribution with
            its arguments) and ``source`` (the file and the key that it was written under).

        Raises
        ------
        ModelError
            There is no such model.
        PriorError
            The set does not fit the study.
        """
        name = named(model, study)
        self.refuse_misfit(name, study)
        rows = [
            (parameter, term or "", str(prior), prior.source)
            for parameter, term, prior in self.in_force(name, study)
        ]
        return pd.DataFrame(rows, columns=["parameter", "term", "prior", "source"])

    def of(self, model: ModelName) -> Self:
        """Give the set that is in force for a model: what is its family's alone comes first."""
        family = model.family_name.removesuffix("_probit")
        return replace(self, entries=for_family(self.entries, family))

    def in_force(self, model: ModelName, study: Study) -> Iterator[tuple[str, str | None, Prior]]:
        """Go through every prior in force for a model and a study.

        Parameters
        ----------
        model : ModelName
            The model.
        study : Study
            The study.

        Yields
        ------
        parameter : str
            For example ``degree_coef``.
        term : str or None
            The term, where the parameter has terms.
        prior : Prior
            The prior in force.

        Raises
        ------
        PriorError
            The set says nothing of a parameter.
        """
        part_of = {part.coef: part for part in model.parts}
        own = self.of(model)
        for parameter in model.parameters:
            if parameter in part_of:
                for term in study.terms[part_of[parameter]]:
                    yield parameter, term, own.prior(parameter, term)
            else:
                yield parameter, None, own.prior(parameter)
        for role in model.roles:
            for term in study.declaration.slopes.of(role.part).of(role.side):
                yield role.slope_sd, term, own.prior(role.slope_sd)

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

    def variable(self, parameter: str, units: Units = OWN, **shape: Any) -> Any:
        """Add a parameter to the model in whose context it is called.

        Parameters
        ----------
        parameter : str
            For example ``degree_sender_sd``.
        units : Units
            In which the model reports it.
        **shape : dict
            ``shape`` or ``dims``, as PyMC takes them.

        Returns
        -------
        pytensor.tensor.TensorVariable
            The variable, in the prior's own units.

        Raises
        ------
        PriorError
            The set has no prior for the parameter.
        """
        prior = self.prior(parameter)
        if units.are_own:
            return prior.variable(parameter, **shape)
        import pymc as pm  # noqa: PLC0415

        variable = prior.variable(f"_{parameter}", **shape)
        pm.Deterministic(parameter, units.scaled(variable))
        return variable

    def refuse_misfit(self, model: ModelName, study: Study) -> None:
        """Refuse a set that lacks a parameter of the model, or names a term that is not there.

        Parameters
        ----------
        model : ModelName
            The model.
        study : Study
            The study.

        Raises
        ------
        PriorError
            The message names the parameter, or the term and the nearest that exists.
        """
        terms = study.terms
        for (whole, term), prior in self.entries.items():
            key = whole.rpartition(OF)[2]
            parts = [part for part in terms if key in ("coef", part.coef)]
            known = list(dict.fromkeys(known for part in parts for known in terms[part]))
            if term is not None and term not in known:
                raise PriorError(
                    f"{prior.source}: no term '{term}' in the study's "
                    f"{' or '.join(parts)} formula; {suggest(term, known)}"
                )
        for _ in self.in_force(model, study):
            pass
        if CITY_CORRELATION in model.parameters:
            prior = self.of(model).prior(CITY_CORRELATION)
            if prior.distribution != "LKJCorr":
                raise PriorError(
                    f"{prior.source}: a correlation matrix needs LKJCorr, not {prior.distribution}"
                )

        for part in model.factor_parts:
            prior = self.of(model).prior(part.factor_sd)
            if prior.distribution != "HalfNormal":
                raise PriorError(
                    f"{prior.source}: the sds of factors, which are the singular values of a "
                    f"normal matrix, need HalfNormal, not {prior.distribution}; add "
                    f'[{part.factor_sd}] with dist = "HalfNormal"'
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


def _refuse_name(name: str, source: str) -> None:
    """Refuse a name that results of a set cannot be kept under."""
    taken = (*prior_sets(), *TAKEN)
    if name in taken or not NAME.fullmatch(name):
        raise PriorError(
            f"{source}'{name}' cannot name a prior set, for results are kept under it; "
            f"write letters, digits and signs of '_ -.', and none of {', '.join(taken)}"
        )
