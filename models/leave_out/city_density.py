"""The density of a city's effects in each posterior draw, given some of its outcomes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.compiled.log_prob_of_draws import log_prob_sums
from models.likelihood.families import Family
from models.likelihood.observed import Observed


@dataclass(frozen=True)
class CityDensity:
    """Outcomes of a city, and the normal population that its effects come from.

    The effects are mean + factor z, with z standard normal in the population.

    Attributes
    ----------
    observed : Observed
        Of (dyad,).
    base : mapping of str to numpy.ndarray
        For each part the linear predictor without these effects, shape (draw, dyad).
    uses : mapping of str to numpy.ndarray
        For each part how each effect enters it, shape (effect, dyad), or (draw, effect, dyad): a
        position enters by the position of the other city.
    scale : numpy.ndarray or None
        Shape (draw,); None where the family has none.
    mean, factor : numpy.ndarray
        Of the population: shapes (draw, effect) and, lower triangular, (draw, effect, effect).
    """

    family: Family
    observed: Observed
    base: Mapping[str, np.ndarray]
    uses: Mapping[str, np.ndarray]
    scale: np.ndarray | None
    mean: np.ndarray
    factor: np.ndarray

    def some(self, draws: slice) -> "CityDensity":
        """Take some of the draws."""
        base = {part: values[draws] for part, values in self.base.items()}
        uses = {part: use[draws] if use.ndim == 3 else use for part, use in self.uses.items()}
        scale = None if self.scale is None else self.scale[draws]
        mean, factor = self.mean[draws], self.factor[draws]
        return CityDensity(self.family, self.observed, base, uses, scale, mean, factor)

    def value(self, z: np.ndarray) -> np.ndarray:
        """Give the log of the joint density of outcomes and z (draw, point, effect)."""
        return self.value_and_gradient(z)[0]

    def value_and_gradient(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give the log of the joint density of outcomes and z, and its derivatives in z.

        Parameters
        ----------
        z : numpy.ndarray
            Shape (draw, point, effect).

        Returns
        -------
        value : numpy.ndarray
            Shape (draw, point).
        gradient : numpy.ndarray
            Shape (draw, point, effect).
        """
        size = z.shape[-1] * np.log(2 * np.pi) / 2
        value, slope = log_prob_sums(
            self.family, self.observed, self.base, self.uses, self.scale, self.effects(z)
        )
        value -= (z**2).sum(axis=-1) / 2 + size
        gradient: np.ndarray = slope @ self.factor - z
        return value, gradient

    def effects(self, z: np.ndarray) -> np.ndarray:
        """Give the effects that standard values z (draw, point, effect) stand for."""
        effects: np.ndarray = self.mean[:, None] + z @ np.swapaxes(self.factor, 1, 2)
        return effects
