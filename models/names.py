"""A model's name is family and effects: `zinb_srm`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from data.declaration import Part
from data.errors import ModelError, suggest
from models.families import FAMILIES, Family

Blocks = tuple[tuple[str, ...], ...]

SIDES = ("sender", "receiver")


def _per_part(*blocks: tuple[str, ...]) -> Callable[[Sequence[Part]], Blocks]:
    return lambda parts: tuple(
        tuple(f"{part}_{side}" for side in block) for part in parts for block in blocks
    )


# An effects structure groups the roles of a city: effects within a group are correlated.
EFFECTS: dict[str, Callable[[Sequence[Part]], Blocks]] = {
    "pooled": _per_part(),
    "crossed": _per_part(("sender",), ("receiver",)),
    "srm": _per_part(("sender", "receiver")),
}


@dataclass(frozen=True)
class ModelName:
    """A family and an effects structure.

    Attributes
    ----------
    name : str
        For example ``zinb_srm``.
    family : Family
        How counts arise.
    blocks : tuple of tuple of str
        The roles of cities, grouped into those whose effects are correlated.
    """

    name: str
    family: Family
    blocks: Blocks

    @property
    def parts(self) -> tuple[Part, ...]:
        """The linear predictors of the model."""
        return self.family.parts

    @property
    def roles(self) -> tuple[str, ...]:
        """Every role in which a city has an effect."""
        return tuple(role for block in self.blocks for role in block)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every parameter that has a prior."""
        return (
            *(f"{part}_{each}" for part in self.parts for each in ("intercept", "coef")),
            *(f"{role}_sd" for role in self.roles),
            *(correlation_name(block) for block in self.blocks if len(block) > 1),
            *(["dispersion"] if self.family.has_dispersion else []),
        )


def correlation_name(block: Sequence[str]) -> str:
    """Name the correlation of a city's sender and receiver effect in one part.

    Parameters
    ----------
    block : sequence of str
        The two roles, for example ``("degree_sender", "degree_receiver")``.

    Returns
    -------
    str
        For example ``degree_generalized_reciprocity``.
    """
    return f"{block[0].split('_')[0]}_generalized_reciprocity"


def model_names() -> list[str]:
    """List every model.

    Returns
    -------
    list of str
        Each family with each effects structure.
    """
    return [f"{family}_{effects}" for family in FAMILIES for effects in EFFECTS]


def parse_model(name: str) -> ModelName:
    """Take a model's name apart.

    Parameters
    ----------
    name : str
        Family and effects, joined by an underscore.

    Returns
    -------
    ModelName
        What the name stands for.

    Raises
    ------
    ModelError
        There is no such model; the message lists them.
    """
    for family in FAMILIES:
        effects = name.removeprefix(f"{family}_")
        if effects in EFFECTS and effects != name:
            chosen = FAMILIES[family]
            return ModelName(name, chosen, EFFECTS[effects](chosen.parts))
    raise ModelError(f"no model '{name}'; {suggest(name, model_names())}")
