"""Whether a maximum-likelihood fit shows zero inflation, in words."""

from models.frequentist.likelihoods import LIKELIHOODS
from models.frequentist.result import MaximumLikelihood


def inflation_state(fit: MaximumLikelihood) -> str:
    """Say in words whether the counts show zero inflation.

    Returns
    -------
    str
        One sentence; empty for a family without inflation.
    """
    likelihood = LIKELIHOODS[fit.family]
    if likelihood.kind != "inflated":
        return ""
    plain = likelihood.plain
    told = [flag for flag in fit.flags if "inflation" in flag]
    if told:
        return f"{told[0]}."
    against = ""
    if "Vuong raw" in fit.tests.index:
        statistic = fit.tests["statistic"]
        raw, bic = statistic["Vuong raw"], statistic["Vuong BIC"]
        against = f" (Vuong against {plain}: {raw:.2f} raw, {bic:.2f} with Schwarz's correction)"
    return (
        f"Inflation is identified at the maximum{against}. A pooled model cannot tell extra zeros "
        "from differences between cities: hold it against models with city effects."
    )
