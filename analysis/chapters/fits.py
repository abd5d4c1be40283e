"""Fits: what each is and finds, whether it can be believed, whether it describes the counts."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import xarray as xr

from analysis.chapters.material import Material
from analysis.checks.network import network_check, network_table
from analysis.fits.gathering import ModelResults
from analysis.posterior.summary import CI_PROB, coefficients, part_unit, shares, spreads
from analysis.tables.blocks import Block, Fold, Page, Section, Text
from analysis.tables.table import Table, intervals
from data.roles import PARTS
from models.inference.fit import Fit

INTERVAL = f"{CI_PROB:.0%} interval"


def fit_page(tree: xr.DataTree) -> Page:
    """Summarise a fit: what it is, its parameters, its diagnostics."""
    fit = Fit(tree)
    counts, missing = tree["observed_data"]["count"], tree.attrs["missing_dyads"]
    subtitle = (
        f"{fit.dyads.sizes['city']} cities, {counts.size} directed dyads "
        f"({float((counts == 0).mean()):.1%} zeros)"
        f"{f', {missing} directed dyads have no row' if missing else ''}; "
        f"priors: {fit.priors}; {_how_drawn(fit)}, seed {fit.settings.seed}"
    )
    blocks: list[Block] = [*coefficient_tables(tree), *effect_tables(tree), *_gate(fit)]
    blocks += [Text(f"Caution: {caution}.", warns=True) for caution in fit.cautions]
    return Page(f"{fit.model} · {fit.title}", tuple(blocks), subtitle, fit.synthetic)


def fit_data(tree: xr.DataTree) -> pd.DataFrame:
    """Put a fit's summaries into one table: rows (table, parameter), columns as they have them."""
    summaries = {str(part): coefficients(tree, part) for part in PARTS}
    summaries |= {"effects and dispersion": spreads(tree), "variance share": shares(tree)}
    kept = {name: summary for name, summary in summaries.items() if len(summary)}
    return pd.concat(kept, names=["table", "parameter"])


def coefficient_tables(tree: xr.DataTree, before: str = "") -> list[Table]:
    """Tabulate the coefficients of each part; say before each of what."""
    summaries = {part: coefficients(tree, part) for part in PARTS}
    return [
        _summary(tree, summary, f"{before}{part.capitalize()}: {part_unit(tree, part)}")
        for part, summary in summaries.items()
        if len(summary)
    ]


def effect_tables(tree: xr.DataTree, before: str = "") -> list[Table]:
    """Tabulate how effects and counts scatter; say before each table of what."""
    summaries = (
        (spreads(tree), "City effects and dispersion", _is_correlation),
        (shares(tree), "Share of the linear predictor's variance", lambda _: False),
    )
    return [
        _summary(tree, summary, f"{before}{caption}", signed)
        for summary, caption, signed in summaries
        if len(summary)
    ]


def diagnosed(material: Material) -> Section:
    """Say which fits can be believed."""
    fits = {model: Fit(found.fit) for model, found in material.results.models.items()}
    warnings = [
        f"{model} fails its diagnostics and must not be interpreted: {'; '.join(fit.faults)}."
        for model, fit in fits.items()
        if not fit.passed
    ]
    rows = {
        model: {
            "diagnostics": "passes" if fit.passed else "fails",
            "largest R-hat": fit.diagnostics.max_r_hat,
            "least bulk ESS": fit.diagnostics.min_ess_bulk,
            "least tail ESS": fit.diagnostics.min_ess_tail,
            "divergences": fit.diagnostics.divergences,
            "least E-BFMI": fit.diagnostics.min_bfmi,
            "draws": f"{fit.settings.chains} x {fit.settings.draws}",
            "seconds": float(fit.tree.attrs["sampling_seconds"]),
        }
        for model, fit in fits.items()
    }
    table = Table(
        pd.DataFrame.from_dict(rows, orient="index").rename_axis("model"),
        "A fit passes with R-hat <= 1.01, ESS >= 400, no divergence, E-BFMI >= 0.3",
        {"largest R-hat": ".3f", "least E-BFMI": ".2f", "seconds": ".1f"},
        ".0f",
    )
    folds = [
        Fold(f"Ranks and energy of {model}", material.pictures(model, "ranks", "energy"))
        for model in fits
    ]
    return Section("Diagnostics", (*(Text(said, warns=True) for said in warnings), table, *folds))


def checked(material: Material) -> Section:
    """Hold the observed counts against counts that the fits predict."""
    opening = Text(
        "A model that describes the counts predicts networks like the observed one. p is the share "
        "of predicted networks whose statistic is at least as large, ties counted half; near 0 or "
        "1 the model misses that feature."
    )
    blocks = material.by_model("Predictive checks of", _checks_of)
    return Section("Predictive checks", (opening, *blocks))


def _checks_of(model: ModelResults, material: Material) -> tuple[Block, ...]:
    found = network_table(network_check(model.fit))
    shown = found[["observed", "mean"]].rename(columns={"mean": "predicted"})
    shown = shown.assign(**{INTERVAL: intervals(found), "p": found["p"]})
    table = Table(shown, f"{model.model}: statistics of the network")
    pictures = material.pictures(model.model, "statistics", "rootogram", "matrix")
    return (*material.warning(model.model), table, *pictures)


def _summary(
    tree: xr.DataTree,
    summary: pd.DataFrame,
    caption: str,
    signed: Callable[[str], bool] = lambda _: True,
) -> Table:
    shown = summary[["mean", "sd"]].assign(**{INTERVAL: intervals(summary)})
    has_sign = np.array([signed(str(name)) for name in summary.index])
    if has_sign.any():
        shown["P(positive)"] = summary["p_positive"].where(has_sign)
    if not Fit(tree).is_first_look:
        chains = {"R-hat": "r_hat", "ESS": "ess_bulk", "tail ESS": "ess_tail"}
        shown = shown.assign(**{heading: summary[name] for heading, name in chains.items()})
    return Table(shown.rename_axis(""), caption, {"ESS": ".0f", "tail ESS": ".0f"})


def _is_correlation(name: str) -> bool:
    return name.partition("[")[0].endswith(("_reciprocity", "correlation"))


def _how_drawn(fit: Fit) -> str:
    """Say where the draws come from, and how those of a second try were made."""
    about, settings = fit.tree.attrs, fit.settings
    if fit.is_first_look:
        return f"{settings.chains * settings.draws} draws of an approximation by ADVI"
    drawn = f"{settings.chains} chains of {settings.draws} draws by {settings.sampler}"
    if about["final_tune"] == settings.tune:
        return drawn
    kept = f", every {about['thin']}th kept" if about["thin"] > 1 else ""
    target = about["final_target_accept"]
    again = f"second try: {about['final_tune']} to tune, target acceptance {target:g}{kept}"
    return f"{drawn} ({again})"


def _gate(fit: Fit) -> list[Text]:
    about, faults = fit.tree.attrs, "; ".join(fit.faults)
    if fit.is_first_look:
        return [Text(f"A first look: {faults}", warns=True), Text(f"To go on: {about['remedy']}.")]
    if faults:
        return [
            Text(f"Fails the diagnostics: {faults}", warns=True),
            Text(f"Do not interpret it: {about['remedy']}"),
        ]
    found = fit.diagnostics
    return [
        Text(
            f"Passes the diagnostics: R-hat at most {found.max_r_hat:.3f}, bulk ESS at least "
            f"{found.min_ess_bulk:.0f}, tail ESS at least {found.min_ess_tail:.0f}, "
            f"{found.divergences} divergences, E-BFMI at least {found.min_bfmi:.2f}; compiled in "
            f"{about['compile_seconds']:.0f} s, sampled in {about['sampling_seconds']:.0f} s"
        )
    ]
