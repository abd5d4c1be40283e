"""Posteriors beside numbers that other programs print."""

import numpy as np


def values(text):
    return np.array(text.split(), dtype=float)


def near(fit, part, expected, sds=0.5, which=slice(None)):
    """Tell how many posterior sds the farthest coefficient lies from other numbers."""
    draws = fit["posterior"].to_dataset()[f"{part}_coef"].isel({f"{part}_term": which})
    mean, sd = (getattr(draws, of)(("chain", "draw")).to_numpy() for of in ("mean", "std"))
    distance = np.abs(mean - values(expected)) / sd
    assert distance.max() < sds, distance
    return distance.max()


def inside(draws, *others):
    """Tell whether numbers lie within the 89 % interval of draws."""
    lower, upper = np.quantile(draws.to_numpy(), [0.055, 0.945])
    assert all(lower < other < upper for other in others), (lower, upper)
