"""The units in which priors speak of amounts: standard deviations of the outcome, about its mean.

Counts and ties have a scale of their own, the logarithm or the link; an amount has whatever unit
it was written in. A model of amounts is sampled in the outcome's standard deviations, and its
parameters are reported in the outcome's own unit.
"""

from dataclasses import dataclass
from typing import Self

import xarray as xr

from models.likelihood.arrays import Array
from models.name import ModelName

LOCATION, UNIT = "location", "unit"  # attributes of outcomes whose units are not their own


@dataclass(frozen=True)
class Units:
    """What 0 and 1 of a prior's scale are in the outcome's unit."""

    location: float = 0.0
    unit: float = 1.0

    @classmethod
    def of(cls, dyads: xr.Dataset, name: ModelName) -> Self:
        """Take them from the outcomes: of counts, ties and successes there is nothing to take."""
        if name.family.kind != "amounts":
            return cls()
        outcome = dyads["outcome"]
        mean, sd = float(outcome.mean()), float(outcome.std(ddof=1))
        return cls(outcome.attrs.get(LOCATION, mean), outcome.attrs.get(UNIT, sd))

    @property
    def are_own(self) -> bool:
        """Whether they are the prior's own."""
        return self == OWN

    def scaled(self, value: Array) -> Array:
        """Give a difference or a standard deviation in the outcome's unit."""
        return value if self.are_own else self.unit * value

    def standardized(self, outcome: Array) -> Array:
        """Give outcomes in the priors' units."""
        return outcome if self.are_own else (outcome - self.location) / self.unit

    def placed(self, value: Array) -> Array:
        """Give a level in the outcome's unit."""
        return value if self.are_own else self.location + self.unit * value


OWN = Units()
