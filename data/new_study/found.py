"""What was found out of a new study's files."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from data.declaration import Declaration, first_fault
from data.errors import StudyError
from data.new_study.columns import Taken
from data.outcomes import SUCCESSES, TIE, kind_of


@dataclass
class Guess:
    """What is taken for what.

    Attributes
    ----------
    taken : list of Taken
        Columns that are used.
    left_out : list of Taken
        Columns that are not, and why not.
    terms : list of str
        Of the formula of both parts.
    """

    dyads: dict[str, Any]
    cities: dict[str, Any] | None = None
    taken: list[Taken] = field(default_factory=list)
    left_out: list[Taken] = field(default_factory=list)
    terms: list[str] = field(default_factory=list)
    models: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    bare_model: str = "nb_srm"  # that takes the outcome, while nothing more is known of it

    def declaration(self, title: str, terms: Sequence[str] | None = None) -> Declaration:
        """Say it as a declaration."""
        formula = " + ".join(self.terms if terms is None else terms) or "1"
        selection = formula if self.has_selection else "1"
        degree = formula if self.has_degree else "1"
        content = {
            "title": title,
            "models": self.models or [self.bare_model],
            "dyads": self.dyads,
            "cities": self.cities,
            "formula": {"selection": selection, "degree": degree},
        }
        return checked(Declaration, content)

    @property
    def has_selection(self) -> bool:
        starts = ("zi", "hurdle", "bernoulli", "binomial", "betabinomial")
        return any(model.startswith(starts) for model in self.models)

    @property
    def has_degree(self) -> bool:
        return not any(kind_of(model) in (TIE, SUCCESSES) for model in self.models)


def checked[T: BaseModel](kind: type[T], content: Any) -> T:
    """Make a part of a declaration of what was found; its fault is one of the files'."""
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise StudyError(f"cannot be declared: {first_fault(error)}") from None
