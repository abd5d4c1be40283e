"""Standard errors of a pooled model, under several readings of what is independent of what.

Each is a sandwich B M B: the bread B is the inverse of the observed information, the meat M adds
up products of the dyads' scores. Which products, says what may be correlated.
"""

from collections.abc import Collection

import numpy as np
import pandas as pd

from data.errors import ModelError, suggest

# in the order in which tables print them
KINDS = {
    "information": "observed information: the model is right, dyads are independent",
    "sandwich": "dyads are independent",
    "dyad": "periods of one dyad may be correlated",
    "sender": "dyads of one sender may be correlated",
    "receiver": "dyads of one receiver may be correlated",
    "two_way": "dyads that share their sender, or their receiver, may be correlated",
    "dyadic": "dyads that share a city in any role may be correlated",
    "jackknife": "cities differ in any way; each is left out in turn",
}
CITY_KINDS = ("sender", "receiver", "two_way", "dyadic")  # sums over cities


def kinds_of(*, panel: bool) -> list[str]:
    """Name the kinds of standard errors of a study."""
    return [kind for kind in KINDS if panel or kind != "dyad"]


def refuse_kind(kind: str, kinds: Collection[str] = KINDS) -> None:
    """Refuse a kind of standard error that does not exist."""
    if kind not in kinds:
        raise ModelError(f"no standard errors '{kind}'; {suggest(kind, kinds)}")


def covariances(
    bread: np.ndarray,
    scores: np.ndarray,
    cities: tuple[np.ndarray, np.ndarray] | None,
    *,
    directed: bool = True,
    panel: bool = False,
) -> dict[str, np.ndarray]:
    """Compute the covariance of the estimates under each reading.

    Parameters
    ----------
    bread : numpy.ndarray
        Inverse of the observed information, shape (size, size).
    scores : numpy.ndarray
        The gradient of each dyad's log-likelihood, shape (dyad, size).
    cities : tuple of numpy.ndarray, optional
        The two cities of each dyad; without them, only the readings that need none.
    directed : bool
        Whether these are sender and receiver; else there are no readings by one of them.
    panel : bool
        Whether a dyad may come several times, once a period; ``dyad`` is of panels alone.

    Returns
    -------
    dict of str to numpy.ndarray
        For each of `kinds_of` but ``jackknife``, shape (size, size). Two-way and dyadic ones need
        not be positive definite in small samples.

    Notes
    -----
    Clusters: Cameron, Gelbach and Miller (2011), Journal of Business and Economic Statistics
    29(2), without corrections for their number. Dyadic: Aronow, Samii and Assenova (2015),
    Political Analysis 23(4), equation 5; the sum over dyads that share a city is a sum over
    cities, less the pairs that it counts twice.
    """
    meats = {"sandwich": scores.T @ scores}
    both = meats["sandwich"]  # of dyads that share sender and receiver
    if cities is not None and panel:
        both = meats["dyad"] = _clustered(scores, pd.MultiIndex.from_arrays(cities).factorize()[0])
    if cities is not None and directed:
        sender, receiver = (pd.factorize(side)[0] for side in cities)
        meats["sender"] = _clustered(scores, sender)
        meats["receiver"] = _clustered(scores, receiver)
        meats["two_way"] = meats["sender"] + meats["receiver"] - both
    if cities is not None:
        meats["dyadic"] = _dyadic(scores, *cities)
    return {"information": bread} | {kind: bread @ meat @ bread for kind, meat in meats.items()}


def _clustered(scores: np.ndarray, cluster: np.ndarray) -> np.ndarray:
    sums = np.zeros((cluster.max() + 1, scores.shape[1]))
    np.add.at(sums, cluster, scores)
    meat: np.ndarray = sums.T @ sums
    return meat


def _dyadic(scores: np.ndarray, sender: np.ndarray, receiver: np.ndarray) -> np.ndarray:
    code, _ = pd.factorize(np.concatenate([sender, receiver]))
    first, second = np.split(code, 2)
    of_city = np.zeros((code.max() + 1, scores.shape[1]))
    np.add.at(of_city, first, scores)
    np.add.at(of_city, second, scores)
    pair = np.minimum(first, second) * len(of_city) + np.maximum(first, second)
    meat: np.ndarray = of_city.T @ of_city - _clustered(scores, pd.factorize(pair)[0])
    return meat
