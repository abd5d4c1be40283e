"""A pooled model in statsmodels' terms: its model of our data, and our estimates for it."""

import numpy as np
from statsmodels import api as sm

MODELS = {
    "poisson": sm.Poisson,
    "nb": sm.NegativeBinomialP,
    "zip": sm.ZeroInflatedPoisson,
    "zinb": sm.ZeroInflatedNegativeBinomialP,
}


def model_of(data):
    """Give statsmodels' model of a `Regression`, each predictor on its own scale."""
    ones = np.ones(data.outcome.size)
    designs = {part: np.column_stack([ones, data.designs[part]]) for part in data.terms}
    more = {"offset": data.offset} if data.offset.any() else {}
    if data.family in ("nb", "zinb"):
        more["p"] = 2
    if "selection" in designs:
        more |= {"exog_infl": designs["selection"], "inflation": "logit"}
    return MODELS[data.family](data.outcome, designs["degree"], **more)


def parameters_of(fit):
    """Write our estimates as statsmodels orders, shifts and signs them: the inflation first."""
    at, means = fit.parameters.to_series(), fit.means.to_series()
    parameters = []
    for part, sign in (("selection", -1), ("degree", 1)):  # it models the extra zeros
        coefs = at[at.index.str.startswith(f"{part}_coef[")]
        if f"{part}_intercept" in at:
            shift = means[f"{part}_intercept"] + coefs @ means[coefs.index]
            parameters += [sign * (at[f"{part}_intercept"] - shift), *(sign * coefs)]
    return np.array([*parameters, *np.exp(at[at.index == "log_dispersion"])])
