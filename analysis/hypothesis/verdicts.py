"""What the fits of a study say of its hypotheses, under every prior set that was sampled."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from analysis.fits.finding import find_fits, maximum_likelihood_beside
from analysis.fits.in_memory import results_of
from analysis.hypothesis.effects import plain_effects
from analysis.posterior.summary import CI_PROB
from data.declaration import Hypothesis
from data.errors import ModelError
from data.outcomes import AMOUNT
from data.roles import Part
from data.study import Study
from models.inference.fit import Fit
from models.likelihood.trials import LOGIT_OF_PROBIT, PROBIT
from models.name import named
from models.predictor.linear import column_scale
from models.priors.prior_set import Priors

ROPE_RATIO = 1.1  # odds and rate ratios between 1 / 1.1 and 1.1 are as good as 1
SURE = 0.95  # posterior probability of an effect that matters, which decides
INSIDE = 0.975  # share of the posterior within the region that an effect is as good as none from
KEY = ["hypothesis", "model", "priors"]
COLUMNS = [
    *("term", "part", "direction", "source", "mean", "lower", "upper", "step"),
    *("p_direction", "beyond_share", "rope_share", "verdict", "sign_changes"),
]


@dataclass(frozen=True)
class Findings:
    """What the fits of a study say of its hypotheses.

    Attributes
    ----------
    beside : tuple of str
        Fits that failed where another of the same study, priors and model passed.
    out_of_date : tuple of str
        Results of another state of the study or of the prior set, which are not used.
    rope : float
        The odds or rate ratio below which an effect is as good as none.
    """

    table: pd.DataFrame
    absent: dict[Part, tuple[str, ...]]
    failed: tuple[str, ...]
    beside: tuple[str, ...]
    out_of_date: tuple[str, ...]
    rope: float


def rules(rope: float = ROPE_RATIO) -> str:
    """Say how verdicts come about."""
    return (
        f"supported: at least {SURE:.0%} of the posterior lies in the hypothesised direction and "
        f"beyond the region of practical equivalence (ROPE). Contradicted: the same of the other "
        f"direction. Negligible: more than {INSIDE:.1%} lies within the region. Undecided: "
        f"anything else. Within the region, one step of the predictor multiplies odds or counts by "
        f"{1 / rope:.3g} to {rope:.3g}, or moves an amount by less than {np.log(rope):.2g} of the "
        "outcome's standard deviations; a step is one standard deviation, or from 0 to 1 where the "
        "predictor is 0 or 1."
    )


def verdict(beyond_share: float, rope_share: float) -> str:
    """Judge a hypothesis by one posterior.

    Parameters
    ----------
    beyond_share : float
        Share of the posterior in the hypothesised direction and beyond the region of practical
        equivalence.
    rope_share : float
        Share within the region.

    Notes
    -----
    An effect is as good as none where the region holds more than 97.5 % of the whole posterior:
    the rule of the full ROPE (Makowski, Ben-Shachar and Lüdecke 2019, JOSS 4(40), 1541,
    doi:10.21105/joss.01541, after Kruschke 2018, doi:10.1177/2515245918771304, who compares an
    interval of highest density).
    """
    if rope_share > INSIDE:
        return "negligible"
    if beyond_share >= SURE:
        return "supported"
    if 1 - rope_share - beyond_share >= SURE:
        return "contradicted"
    return "undecided"


def hypotheses(
    study: Study,
    *,
    fits: Sequence[xr.DataTree] = (),
    results: str | Path | None = None,
    rope: float = ROPE_RATIO,
    effects: bool = True,
) -> pd.DataFrame:
    """Hold a study's hypotheses against every fit of it that there is.

    Parameters
    ----------
    study : Study
        The study.
    fits : sequence of xarray.DataTree
        Fits of the study in memory, as `models.sample` gives them, in place of a folder.
    results : str or pathlib.Path, optional
        The results folder, ``results`` by default. Fits that failed their diagnostics are not
        used, nor are those of another state of the study; `findings` names them.
    rope : float
        The odds ratio (selection) or rate ratio (degree), above 1, below which the effect of one
        step of a predictor is as good as none; of amounts its log, in the outcome's standard
        deviations; a probit's coefficients are stretched by 1.7 to be a logit's. A step is one
        standard deviation of the column, or from 0 to 1 where it holds nothing else.
    effects : bool
        Compute the effects in plain units too, which takes about a second a fit.

    Returns
    -------
    pandas.DataFrame
        Rows (hypothesis, model, priors). ``term``, ``part``, ``direction``, ``source``;
        posterior ``mean`` of the coefficient on the formula's own scale, ``lower`` and ``upper``
        (89 % equal-tailed interval); ``step``, in the column's units; ``p_direction``, posterior
        probability of the hypothesised direction; ``beyond_share``, share of the posterior in that
        direction and beyond the region of practical equivalence; ``rope_share``, share within the
        region; ``verdict``, by `rules`; ``sign_changes``, whether
        the sign of the mean depends on the prior set; of the family's pooled maximum likelihood,
        where `interlocal mle` has made it, ``ml_estimate``, ``p_<kind>`` (two-sided, Wald) for
        each kind of standard error, ``p_permutation``; ``effect`` and what belongs to it, in plain
        units, as `analysis.hypothesis.effects.plain_effects` says. A model without the part has
        no row.

    Raises
    ------
    ModelError
        The ratio is not above 1.
    """
    with results_of(study, results, fits, Priors.load("default")) as folder:
        table = findings(study, results=folder, rope=rope).table
        return with_effects(table, plain_effects(study, results=folder)) if effects else table


def findings(
    study: Study, *, results: str | Path = "results", rope: float = ROPE_RATIO
) -> Findings:
    """Hold hypotheses against every fit, and keep account of what was not used."""
    if not 1 < rope < np.inf:
        raise ModelError(f"rope is {rope:g}; it is a ratio above 1, such as {ROPE_RATIO:g}")
    stated = study.declaration.hypothesis
    fits = find_fits(study, Path(results))
    rows: list[tuple[int, dict[str, object]]] = []
    for one in fits.passed:
        with Fit.open(one.path) as fit:
            rows += [
                (number, {"model": one.model, "priors": one.priors, **_row(fit, hypothesis, rope)})
                for number, hypothesis in enumerate(stated)
                if hypothesis.part in fit.name.parts
            ]
    rows.sort(key=lambda numbered: numbered[0])  # which leaves models and prior sets in order
    table = pd.DataFrame([row for _, row in rows], columns=[*KEY, *COLUMNS])
    table["sign_changes"] = _sign_changes(table)
    models = dict.fromkeys(one.model for one in fits.passed)
    passed, failed = ([one.label for one in some] for some in (fits.passed, fits.failed))
    classical, stale = maximum_likelihood_beside(study, list(models), Path(results))
    table = table.merge(classical, on=["model", "part", "term"], how="left")
    return Findings(
        table=table.set_index(KEY),
        absent={
            part: lacking
            for part in dict.fromkeys(hypothesis.part for hypothesis in stated)
            if (lacking := tuple(m for m in models if part not in named(m).parts))
        },
        failed=tuple(label for label in failed if label not in passed),
        beside=tuple(label for label in failed if label in passed),
        out_of_date=(*(one.label for one in fits.out_of_date), *stale),
        rope=rope,
    )


def with_effects(table: pd.DataFrame, effects: pd.DataFrame) -> pd.DataFrame:
    """Say more of each coefficient, in columns of its own.

    Parameters
    ----------
    effects : pandas.DataFrame
        One row a coefficient of a fit, with ``model``, ``priors``, ``part`` and ``term`` as
        columns or as levels of the index.

    Returns
    -------
    pandas.DataFrame
        The same rows with the other columns of `effects`; NaN where it has no row.
    """
    by = ["model", "priors", "part", "term"]
    flat = effects.reset_index([name for name in effects.index.names if name in by])
    return table.reset_index().merge(flat, on=by, how="left", validate="m:1").set_index(KEY)


def _row(fit: Fit, hypothesis: Hypothesis, rope: float) -> dict[str, object]:
    term = {hypothesis.part.term: hypothesis.term}
    draws = fit.posterior[hypothesis.part.coef].sel(term).to_numpy().ravel()
    scale = column_scale(fit.dyads, hypothesis.part)
    step = float(scale.sel(term))
    on_logs = draws * step * _log_unit(fit)
    lower, upper = np.quantile(draws, [(1 - CI_PROB) / 2, (1 + CI_PROB) / 2])
    as_stated = on_logs if hypothesis.direction == "positive" else -on_logs
    p_direction = float((as_stated > 0).mean())
    beyond_share = float((as_stated >= np.log(rope)).mean())
    rope_share = float((np.abs(on_logs) < np.log(rope)).mean())
    return {
        "hypothesis": hypothesis.label,
        "term": hypothesis.term,
        "part": hypothesis.part,
        "direction": hypothesis.direction,
        "source": hypothesis.source,
        "mean": float(draws.mean()),
        "lower": float(lower),
        "upper": float(upper),
        "step": step,
        "p_direction": p_direction,
        "beyond_share": beyond_share,
        "rope_share": rope_share,
        "verdict": verdict(beyond_share, rope_share),
    }


def _log_unit(fit: Fit) -> float:
    """Give what one of a linear predictor is of the log odds or logs that the region is told in."""
    family = fit.name.family
    if family.outcome is AMOUNT:
        return 1 / float(fit.tree["observed_data"]["outcome"].std(ddof=1))
    return LOGIT_OF_PROBIT if family.link is PROBIT else 1.0


def _sign_changes(table: pd.DataFrame) -> pd.Series:
    sign = (table["mean"] > 0).astype(float)
    return sign.groupby([table["model"], table["part"], table["term"]]).transform("nunique") > 1
