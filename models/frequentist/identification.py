"""Which coefficients a maximum determines, and in words why it does not determine the others.

At a maximum the likelihood bends down in every direction that the data speak of. A direction in
which it is flat leads to infinity (a boundary): every dyad eligible, no dispersion, zeros that a
predictor separates. Coefficients along it have no standard error.
"""

from collections.abc import Sequence

import numpy as np
from scipy.special import expit

from data.roles import Part
from models.frequentist.likelihoods import LIKELIHOODS, without_dispersion
from models.frequentist.optimum import FLAT_ENOUGH
from models.frequentist.problem import SCALE, Point, Problem
from models.likelihood.families import FAMILIES

NO_INFORMATION = 1e-5  # curvature below which a direction, in sds of its predictors, is flat
LOADING = 1e-3  # share of a coefficient in flat directions from which on it is not identified
NOT_IDENTIFIED = "inflation not identified"
ALL = 0.999  # P(eligible) of every dyad from which on there is no inflation


def determined(point: Point) -> tuple[np.ndarray, np.ndarray]:
    """Tell which coefficients a maximum determines, and how well.

    Returns
    -------
    bread : numpy.ndarray
        Inverse of the observed information in the directions that are identified, shape
        (size, size).
    identified : numpy.ndarray
        Of bool, shape (size,).
    """
    _, bread, loading = _curved(point.hessian)
    return bread, loading < LOADING


def undetermined(problem: Problem, point: Point, terms: dict[Part, list[str]]) -> tuple[str, ...]:
    """Say what a maximum does not determine, and why; nothing where it is a proper one."""
    curvature, _, loading = _curved(point.hessian)
    return (
        *_of_scale(problem, point.at, loading),
        *_of_selection(problem, point.at, loading, terms),
        *_of_degree(problem, loading, terms),
        *_of_search(point.gradient, curvature),
    )


def _curved(hessian: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the curvatures, the inverse information, each coefficient's share in flat directions."""
    curvature, directions = np.linalg.eigh(-hessian)
    flat = curvature < NO_INFORMATION
    known = directions[:, ~flat]
    bread: np.ndarray = (known / curvature[~flat]) @ known.T
    return curvature, bread, np.linalg.norm(directions[:, flat], axis=1)


def _of_scale(problem: Problem, at: np.ndarray, loading: np.ndarray) -> list[str]:
    if SCALE not in problem.blocks or loading[-1] < LOADING:
        return []
    kind = FAMILIES[problem.family].kind
    if kind == "amounts":
        return ["the residual sd is at its boundary, 0: the predictors fit every amount"]
    outcomes, others = ("successes", "binomial") if kind == "trials" else ("counts", "Poisson")
    if at[-1] > 0:
        return [f"the dispersion runs to infinity: the {outcomes} do not determine it"]
    smaller = without_dispersion(problem.family)
    why = f"{outcomes} vary no more than {others} ones"
    return [f"the dispersion is at its boundary, 0: the {smaller} fits as well ({why})"]


def _of_selection(
    problem: Problem, at: np.ndarray, loading: np.ndarray, terms: dict[Part, list[str]]
) -> list[str]:
    if "selection" not in problem.parts:
        return []
    block = problem.blocks[Part.SELECTION]
    open_terms = _named(loading[block], terms[Part.SELECTION])
    if not open_terms:
        return []
    eligible = expit(problem.designs[Part.SELECTION] @ at[block])
    if LIKELIHOODS[problem.family].kind == "inflated" and (eligible > ALL).all():
        plain = LIKELIHOODS[problem.family].plain
        why = "P(eligible) runs to 1 for every dyad"
        return [f"{NOT_IDENTIFIED}: the {plain} fits as well ({why})"]
    along = ", ".join(open_terms)
    if len(problem.parts) == 1:
        return [
            f"separation: the chance runs to 0 or 1 along {along}; they part failures from others"
        ]
    why = "they part zeros from positive counts"
    return [f"separation in the selection part: P(eligible) runs to 0 or 1 along {along}; {why}"]


def _of_degree(problem: Problem, loading: np.ndarray, terms: dict[Part, list[str]]) -> list[str]:
    if "degree" not in problem.parts or FAMILIES[problem.family].kind == "amounts":
        return []
    open_terms = _named(loading[problem.blocks[Part.DEGREE]], terms[Part.DEGREE])
    if not open_terms:
        return []
    along = ", ".join(open_terms)
    return [
        f"separation in the degree part: the expected count runs to 0 or infinity along {along}"
    ]


def _named(loading: np.ndarray, terms: Sequence[str]) -> list[str]:
    names = ["the intercept", *terms]
    return [name for name, share in zip(names, loading, strict=True) if share >= LOADING]


def _of_search(gradient: np.ndarray, curvature: np.ndarray) -> list[str]:
    norm = float(np.linalg.norm(gradient))
    flags = []
    if not norm < FLAT_ENOUGH:
        flags.append(f"no maximum was found: the gradient's norm is {norm:.2g} where it ends")
    if curvature.min() < -NO_INFORMATION:
        flags.append("the Hessian is not negative definite: this is no maximum")
    return flags
