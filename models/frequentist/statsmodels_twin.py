"""The same model and the same maximum as a results object of statsmodels."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from data.errors import ModelError
from data.roles import Part
from data.study import Study
from models.frequentist.optimum import find_optimum
from models.frequentist.regression import LOG_DISPERSION, Regression, regression
from models.frequentist.result import MaximumLikelihood

SAME_LIKELIHOOD = 1e-6  # relative difference of two log-likelihoods that are the same
SAME_ERROR = 1e-3  # relative difference of standard errors
STEP = 1e-5  # of numerical derivatives, in standardized coefficients


def statsmodels_results(source: Study | Regression, fit: MaximumLikelihood) -> Any:
    """Give a fit as statsmodels would have it, for its `summary()` and what else it offers.

    Predictors enter on their own scale behind a constant, so that ``const`` is the linear
    predictor where they and log exposure are zero. Zero inflation is modelled as P(extra zero):
    its coefficients have the opposite sign of the selection part's.

    Returns
    -------
    statsmodels results
        Of `Poisson`, `NegativeBinomialP` (p=2), `ZeroInflatedPoisson` or
        `ZeroInflatedNegativeBinomialP` (p=2, logit), at the maximum of ``fit``. Standard errors
        follow from the Hessian of statsmodels' likelihood there. Its null model has a constant in
        each part; the degrees of freedom that it prints for a zero-inflated model, and the
        p-value of its likelihood ratio, leave the inflation's predictors out.

    Notes
    -----
    For zero-inflated models, the Hessian is computed by differences of statsmodels' score. The
    one in its release 0.15 differs: for `ZeroInflatedPoisson` the mixed derivatives lack a factor
    (standard errors up to a third too small), and for the negative binomial the steps of its
    numerical derivatives do not follow the predictors' scales.
    """
    if fit.family not in _CLASSES:
        raise ModelError(
            f"{fit.family}: statsmodels has no such model (its hurdle takes the zeros from a "
            f"count model); it has {', '.join(_CLASSES)}"
        )
    data = source if isinstance(source, Regression) else regression(source, fit.family)
    names = fit.parameters["parameter"].to_numpy().tolist()
    if data.names != names or data.count.size != fit.pointwise.size:
        raise ModelError("the fit is not of this study: its coefficients or dyads are others")
    if fit.flags:
        raise ModelError(f"statsmodels needs a proper maximum; here, {'; '.join(fit.flags)}")
    model = _model(data)
    try:
        # no step is wide enough for this tolerance: it stays at the start, and calls it converged
        results = model.fit(_start(data, fit), method="newton", tol=np.inf, disp=False)
    except np.linalg.LinAlgError:
        raise ModelError(_UNSCALED) from None
    if not np.isclose(results.llf, fit.log_likelihood, rtol=SAME_LIKELIHOOD, atol=0):
        raise ModelError(
            f"the fit is not of this study: its log-likelihood is {fit.log_likelihood:.6f}, "
            f"that of statsmodels with the same coefficients {results.llf:.6f}"
        )
    _refuse_unlike(results, fit)
    results.set_null_options(llnull=_of_constants(data), attach_results=False)
    return results


_CLASSES = {
    "poisson": "Poisson",
    "nb": "NegativeBinomialP",
    "zip": "ZeroInflatedPoisson",
    "zinb": "ZeroInflatedNegativeBinomialP",
}
_UNSCALED = (
    "statsmodels' arithmetic fails with predictors of such scales; "
    "write scale(...) around them in the formulas"
)


def _model(data: Regression) -> Any:
    from statsmodels import api as sm  # noqa: PLC0415

    designs = {part: _with_constant(data.designs[part]) for part in data.terms}
    more: dict[str, Any] = {"offset": data.offset} if data.offset.any() else {}
    if data.family in ("nb", "zinb"):
        more["p"] = 2
    if "selection" in designs:
        more |= {"exog_infl": designs[Part.SELECTION], "inflation": "logit"}
    count = pd.Series(data.count, name="count")
    model = getattr(sm, _CLASSES[data.family])(count, designs[Part.DEGREE], **more)
    if "selection" in designs:
        model.hessian = partial(_hessian, model, STEP / data.scales)
    return model


def _hessian(model: Any, steps: np.ndarray, params: np.ndarray) -> np.ndarray:
    """Differentiate the score, with a step for each coefficient."""
    moves = np.diag(steps)
    both = [(model.score(params + move), model.score(params - move)) for move in moves]
    hessian = np.array([upper - lower for upper, lower in both]) / (2 * steps[:, None])
    symmetric: np.ndarray = (hessian + hessian.T) / 2
    return symmetric


def _with_constant(design: pd.DataFrame) -> pd.DataFrame:
    constant = pd.DataFrame({"const": np.ones(len(design))})
    return pd.concat([constant, design.reset_index(drop=True)], axis=1)


def _start(data: Regression, fit: MaximumLikelihood) -> np.ndarray:
    """Write the estimates as statsmodels orders, shifts and signs them."""
    estimates = fit.parameters.to_series()
    start: list[float] = []
    for part, terms in data.terms.items():  # the selection comes first, as there
        coefs = estimates[[part.coef_of(term) for term in terms]]
        mean = data.means[part.intercept]  # of log exposure, for degree
        constant = estimates[part.intercept] - mean - coefs @ data.means[coefs.index]
        sign = -1 if part == "selection" else 1
        start += [sign * constant, *(sign * coefs)]
    if LOG_DISPERSION in estimates:
        start.append(np.exp(estimates[LOG_DISPERSION]))
    return np.array(start)


def _refuse_unlike(results: Any, fit: MaximumLikelihood) -> None:
    variance = np.diag(np.asarray(results.cov_params()))
    coefs = ["_coef[" in name for name in fit.parameters["parameter"].to_numpy()]
    ours = fit.standard_errors().to_numpy()[coefs]
    theirs = np.sqrt(np.where(variance > 0, variance, np.nan))[coefs]
    if not np.allclose(theirs, ours, rtol=SAME_ERROR, atol=0):
        raise ModelError(_UNSCALED)


def _of_constants(data: Regression) -> float:
    # statsmodels would search for it from one start, with warnings where it does not arrive
    constants = {part: data.designs[part][[]] for part in data.terms}
    bare = Regression(data.family, data.count, constants, data.offset)
    return find_optimum(bare.problem, random_starts=0).point.value
