"""How to sample, checked before any work is done."""

import hashlib
from dataclasses import dataclass

from data.errors import ModelError, suggest

BOUNDS = {
    "draws": (4, 1_000_000),
    "tune": (1, 1_000_000),
    "chains": (1, 1_000),
    "seed": (0, 2**63 - 1),
}


SAMPLERS = ("nutpie", "pymc", "numpyro")  # each a module of models/samplers/


@dataclass(frozen=True)
class Settings:
    """How to sample.

    Attributes
    ----------
    target_accept : float
        Acceptance probability that the step size is tuned to, in (0, 1).
    sampler : str
        ``nutpie``, ``pymc`` or ``numpyro``: whose No-U-Turn sampler draws.
    """

    draws: int = 1000
    tune: int = 1000
    chains: int = 4
    seed: int = 20221
    target_accept: float = 0.8
    sampler: str = "nutpie"

    def __post_init__(self) -> None:
        for name, (least, most) in BOUNDS.items():
            if not least <= getattr(self, name) <= most:
                raise ModelError(
                    f"{name} is {getattr(self, name)}; it lies between {least} and {most}"
                )
        if not 0 < self.target_accept < 1:
            raise ModelError(f"target_accept is {self.target_accept}; it lies between 0 and 1")
        if self.sampler not in SAMPLERS:
            raise ModelError(f"no sampler '{self.sampler}'; {suggest(self.sampler, SAMPLERS)}")


def seed_of(seed: int, label: str) -> int:
    """Give what is done for one label a seed of its own, whatever else is done."""
    entropy = hashlib.sha256(f"{seed} {label}".encode()).digest()
    return int.from_bytes(entropy[:7], "big")
