"""Whether posteriors are as wide as they are wrong: too wide fails as too narrow does."""

import numpy as np
from scipy import stats

TAIL = 0.0005  # of each side of each bound: a right posterior is refused once in 500 times


def standing(draws, truth):
    """Place a truth among its draws (chain, draw, ...).

    Returns
    -------
    below : numpy.ndarray
        The share of draws below the truth, a value a scalar.
    z : numpy.ndarray
        How many posterior standard deviations the truth lies above the posterior mean.
    """
    of = ("chain", "draw")
    below, z = (draws < truth).mean(of), (truth - draws.mean(of)) / draws.std(of)
    return np.ravel(below), np.ravel(z)


def misfits(below, z, independent=None):
    """Say what is wrong with the widths of posteriors; nothing where they are right.

    Half of all truths lie in the central half of their draws, and z-scores have a mean square of
    one. The bounds are those of as many independent values: binomial, and chi-squared.

    Parameters
    ----------
    below, z : array_like
        As `standing` gives them.
    independent : int, optional
        How many of them are independent; all by default.
    """
    below, z = np.asarray(below), np.asarray(z)
    number = independent or below.size
    held = np.mean((below > 0.25) & (below < 0.75))
    square = np.mean(z**2)
    found = []
    for what, value, lowest, highest in (
        ("50 % intervals hold", held, *_bounds(stats.binom(number, 0.5), number)),
        ("the mean square of z is", square, *_bounds(stats.chi2(number), number)),
    ):
        if not lowest <= value <= highest:
            found.append(f"{what} {value:.2f}, outside {lowest:.2f} to {highest:.2f}")
    return found


def _bounds(law, number):
    return law.ppf(TAIL) / number, law.isf(TAIL) / number
