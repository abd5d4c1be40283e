"""The names of variables: those of a part of a model, and those of a role that a city has in it."""

from collections.abc import Container, Hashable
from dataclasses import dataclass
from enum import StrEnum

SIDES = ("sender", "receiver")
BOTH = ("first", "second")  # the two cities of an undirected dyad, in the order of their names
PAIR, CITY = "pair", "city"
PERIOD, DYAD_PERIOD = "period", "dyad_period"  # of panels: the dim, and each dyad's own


def sides_of(coords: Container[Hashable]) -> tuple[str, str]:
    """Name the coordinates of the two cities of each dyad, of a study's dyads or their coords."""
    return SIDES if "sender" in coords else BOTH


class Part(StrEnum):
    """A linear predictor: ``selection`` (whether) or ``degree`` (how much)."""

    SELECTION = "selection"
    DEGREE = "degree"

    @property
    def intercept(self) -> str:
        return f"{self}_intercept"

    @property
    def coef(self) -> str:
        return f"{self}_coef"

    def coef_of(self, term: str) -> str:
        """Label the coefficient of a term where coefficients stand among other parameters."""
        return f"{self.coef}[{term}]"

    @property
    def term(self) -> str:
        """The dim of the formula's terms."""
        return f"{self}_term"

    @property
    def design(self) -> str:
        return f"{self}_design"

    def own_coef(self, number: int) -> str:
        """Name the coefficients that share a prior, in the sampler's coordinates."""
        return f"_{self.coef}_{number}"

    @property
    def generalized_reciprocity(self) -> str:
        return f"{self}_generalized_reciprocity"

    @property
    def dyadic_reciprocity(self) -> str:
        return f"{self}_dyadic_reciprocity"

    @property
    def multiplicative(self) -> str:
        """What the positions of a dyad's two cities add: a value a directed dyad."""
        return f"{self}_multiplicative"

    @property
    def singular_value(self) -> str:
        """Of the matrix of multiplicative effects, largest first."""
        return f"{self}_singular_value"

    @property
    def eigenvalue(self) -> str:
        """Of the symmetric matrix of undirected dyads, from the largest to the smallest."""
        return f"{self}_eigenvalue"

    @property
    def factor_sd(self) -> str:
        return f"{self}_factor_sd"

    @property
    def factor_covariance(self) -> str:
        """The covariance of a city's position, over cities."""
        return f"{self}_factor_covariance"

    @property
    def factor_sign(self) -> str:
        """What turns a position into what the other end's is multiplied with (undirected dyads)."""
        return f"{self}_factor_sign"

    @property
    def dimension(self) -> str:
        """The dim of the dimensions of positions."""
        return f"{self}_dimension"

    @property
    def other_dimension(self) -> str:
        """The second dim of a matrix over dimensions."""
        return f"{self.dimension}_other"

    @property
    def core(self) -> str:
        """The matrix between the factors of both sides, in the sampler's coordinates."""
        return f"{self}_core"

    @property
    def roles(self) -> tuple["Role", "Role"]:
        """A city's two roles in directed dyads: sender and receiver."""
        return Role(self, "sender"), Role(self, "receiver")

    @property
    def city(self) -> "Role":
        """A city's one role where dyads are undirected."""
        return Role(self, CITY)

    @property
    def all_roles(self) -> tuple["Role", "Role", "Role"]:
        """Every role that a city may have: sender, receiver, and the one of undirected dyads."""
        return (*self.roles, self.city)

    @property
    def pair(self) -> "Role":
        """What is a directed dyad's own."""
        return Role(self, PAIR)


PARTS = tuple(Part)


@dataclass(frozen=True)
class Role:
    """Where an effect enters: the part, and whose effect it is.

    Attributes
    ----------
    side : str
        ``sender`` or ``receiver``, of a city; ``city``, of a city of undirected dyads; ``pair``, of
        a directed dyad.
    """

    part: Part
    side: str

    def __str__(self) -> str:
        return self.effect

    @property
    def ends(self) -> tuple[str, ...]:
        """The coordinates of the cities whose effects enter a dyad: one, or both."""
        return BOTH if self.side == CITY else (self.side,)

    @property
    def effect(self) -> str:
        return f"{self.part}_{self.side}"

    @property
    def sd(self) -> str:
        return f"{self.effect}_sd"

    @property
    def slope(self) -> str:
        return f"{self.effect}_slope"

    @property
    def slope_sd(self) -> str:
        return f"{self.slope}_sd"

    @property
    def slope_term(self) -> str:
        """The dim of the terms whose coefficients vary."""
        return f"{self.slope}_term"

    @property
    def position(self) -> str:
        """Where a city lies: the multiplicative effect is the product of two positions."""
        return f"{self.effect}_position"

    @property
    def other(self) -> "Role":
        """The role of the city at a dyad's other end: of a sender, the receiver."""
        return Role(
            self.part, {"sender": "receiver", "receiver": "sender"}.get(self.side, self.side)
        )

    @property
    def factor(self) -> str:
        """The same in the sampler's coordinates, which know no direction."""
        return f"{self.effect}_factor"

    @property
    def centering(self) -> str:
        """How far the sampler centers the effects: data of the model."""
        return f"{self.effect}_centering"

    def own(self, coordinate: str) -> str:
        """Name a coordinate of the sampler's own."""
        return f"_{self.effect}_{coordinate}"


def partial_correlation(row: int, column: int) -> str:
    """Name a coordinate of the sampler's own for the correlations of all roles."""
    return f"_city_partial_correlation_{row}_{column}"


def behind(name: str, coordinate: str) -> str:
    """Name one of several variables that a variable is made of."""
    return f"{name}_{coordinate}"


# parameters that have a value a term: their part, and the dim of the terms
TERMS = {part.coef: (part, part.term) for part in PARTS} | {
    role.slope_sd: (part, role.slope_term) for part in PARTS for role in part.all_roles
}
