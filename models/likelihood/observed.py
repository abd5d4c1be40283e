"""The outcomes of dyads, and the trials that successes are of."""

from dataclasses import dataclass
from typing import Self

import numpy as np
import xarray as xr


@dataclass(frozen=True)
class Observed:
    """Outcomes of dyads.

    Attributes
    ----------
    outcome : numpy.ndarray
        Whole numbers, or amounts; shape (dyad,).
    trials : numpy.ndarray or None
        Whole numbers, shape (dyad,); None where a study has none.
    """

    outcome: np.ndarray
    trials: np.ndarray | None = None

    @classmethod
    def of(cls, dyads: xr.Dataset) -> Self:
        """Take them from the dyads of a study."""
        return cls(dyads["outcome"].to_numpy(), trials_of(dyads))

    def __getitem__(self, rows: np.ndarray | slice) -> "Observed":
        return Observed(self.outcome[rows], None if self.trials is None else self.trials[rows])

    @property
    def number(self) -> np.ndarray:
        """Of how many trials each outcome is: of one where the study has none."""
        return np.ones(self.size, dtype=np.int64) if self.trials is None else self.trials

    @property
    def size(self) -> int:
        return int(self.outcome.size)


def trials_of(dyads: xr.Dataset) -> np.ndarray | None:
    """Give the trials of dyads; None where their study has none."""
    return dyads["trials"].to_numpy() if "trials" in dyads else None
