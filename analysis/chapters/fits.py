"""Fits: what each is and finds, whether it can be believed, whether it describes the data."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import xarray as xr

from analysis.chapters.data_words import remarks, with_data
from analysis.chapters.material import Material
from analysis.checks.network import network_check, network_table
from analysis.checks.scores import left_out_score
from analysis.fits.gathering import ModelResults
from analysis.posterior.summary import CI_PROB, coefficients, part_unit, shares, spreads
from analysis.tables.blocks import Block, Fold, Page, Section, Table, Text, intervals
from analysis.tables.words import spread_words
from data.dyads import extent
from data.roles import PARTS
from models.inference.fit import Fit
from models.priors.absurd import absurdity

INTERVAL = f"{CI_PROB:.0%} interval"
# what else is summarised than the coefficients of the parts
SPREADS = "spread and correlation of effects, dispersion"
SHARES = "share of the linear predictor's variance"
OF_POPULATION = "effects: population variances, random slopes with their side"


def fit_page(tree: xr.DataTree) -> Page:
    """Summarise a fit: what it is, its parameters, its diagnostics."""
    fit = Fit(tree)
    outcome, missing = tree["observed_data"]["outcome"], tree.attrs["missing_dyads"]
    subtitle = (
        f"{fit.dyads.sizes['city']} cities, {extent(fit.dyads)} "
        f"({spread_words(fit.name.family, outcome.to_numpy(), fit.trials)})"
        f"{f', {missing} directed dyads have no row' if missing else ''}; "
        f"priors: {fit.priors}; {_how_drawn(fit)}, seed {fit.settings.seed}"
    )
    names = (*PARTS, SPREADS, SHARES)
    blocks: list[Block] = [*parameter_tables(tree, names), *_gate(fit)]
    blocks += remarks((), fit.cautions)
    if warning := absurdity(fit.prior_far):
        blocks.append(Text(warning, warns=True))
    found = {str(name): summary for name in names if len(summary := _summary(tree, name))}
    data = pd.concat(found, names=["table", "parameter"])
    page = Page(f"{fit.model} · {fit.title}", tuple(blocks), subtitle, fit.synthetic, data)
    return with_data(page, tree.attrs)


def parameter_tables(tree: xr.DataTree, names: Sequence[str], model: str = "") -> list[Table]:
    """Tabulate the posteriors of the coefficients of a part, of `SPREADS` or of `SHARES`."""
    tables = []
    for name in names:
        if not len(summary := _summary(tree, name)):
            continue
        shown = summary[["mean", "sd"]].assign(**{INTERVAL: intervals(summary)})
        if name != SHARES:
            signed = [name != SPREADS or _is_correlation(str(label)) for label in summary.index]
            shown["P(positive)"] = summary["p_positive"].where(np.array(signed))
        chains = {"R-hat": "r_hat", "ESS": "ess_bulk", "tail ESS": "ess_tail"}
        shown = shown.assign(**{heading: summary[key] for heading, key in chains.items()})
        caption = f"{name}: {part_unit(tree, name)}" if name in PARTS else name
        caption = f"{name} ({OF_POPULATION})" if name == SHARES else caption
        caption = f"{model}, {caption}" if model else caption.capitalize()
        tables.append(Table(shown, caption, {"ESS": ".0f", "tail ESS": ".0f"}))
    return tables


def diagnosed(material: Material) -> Section:
    """Say which fits can be believed."""
    fits = {model: Fit(found.fit) for model, found in material.results.models.items()}
    warnings = [
        f"{model} fails its diagnostics and must not be interpreted: {'; '.join(fit.faults)}."
        for model, fit in fits.items()
        if not fit.passed
    ]
    warnings += [
        f"{model}: {fit.first_try.sentence}"
        for model, fit in fits.items()
        if fit.passed and fit.first_try and fit.first_try.apart
    ]
    warnings += [
        f"{model}: {warning}"
        for model, fit in fits.items()
        if (warning := absurdity(fit.prior_far))
    ]
    warnings += [
        f"{model}: a run with other settings failed its diagnostics and is kept as "
        f"{found.beside.name}; the fit that passed is shown."
        for model, found in material.results.models.items()
        if found.beside is not None
    ]
    rows = {
        model: {
            "diagnostics": _outcome(fit),
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
    """Hold the observed outcomes against outcomes that the fits predict."""
    opening = (
        "A model that describes the data predicts networks like the observed one. p is the share "
        "of predicted networks whose statistic is at least as large, ties counted half; near 0 or "
        "1 the model misses that feature."
    )
    models = material.results.models
    found = {name: network_table(network_check(model.fit)) for name, model in models.items()}
    shown = {name: _shown(table) for name, table in found.items()}

    def checks_of(model: ModelResults, material: Material) -> tuple[Block, ...]:
        table = Table(shown[model.model], f"{model.model}: statistics of the network")
        score = left_out_score(model.fit)
        said = [Text(score)] if score else []
        pictures = ("statistics", "rootogram", "calibration", "distribution", "pit", "matrix")
        return (table, *said, *material.pictures(model.model, *pictures))

    above = (dependence_table(shown),) if len(shown) > 1 else ()
    label = "Predictive checks of"
    return material.by_model("Predictive checks", opening, label, checks_of, above)


def _shown(found: pd.DataFrame) -> pd.DataFrame:
    shown = found[["observed", "mean"]].rename(columns={"mean": "predicted"})
    return shown.assign(**{INTERVAL: intervals(found), "p": found["p"]})


def dependence_table(shown: Mapping[str, pd.DataFrame]) -> Table:
    """Put models side by side in what outcomes of two and of three cities have to do with another.

    Parameters
    ----------
    shown : mapping of str to pandas.DataFrame
        By model the statistics of the network as the report shows them.
    """
    rows = pd.concat(shown, names=["model"]).swaplevel()
    told = rows.index.get_level_values("statistic")
    rows = rows[told.str.endswith("dependence")].sort_index(level=0, sort_remaining=False)
    caption = "What outcomes of two and of three cities have to do with one another, by model"
    note = (
        "Cyclic and transitive dependence are of three cities: city effects make some of it, "
        "multiplicative effects what is left."
    )
    return Table(rows, caption, notes=(note,), grouped=True)


def _summary(tree: xr.DataTree, name: str) -> pd.DataFrame:
    if name in PARTS:
        return coefficients(tree, name)
    return spreads(tree) if name == SPREADS else shares(tree)


def _is_correlation(parameter: str) -> bool:
    return parameter.partition("[")[0].endswith(("_reciprocity", "correlation"))


def _how_drawn(fit: Fit) -> str:
    """Say where the draws come from, and how those of a second try were made."""
    attributes, settings = fit.tree.attrs, fit.settings
    drawn = f"{settings.chains} chains of {settings.draws} draws by {settings.sampler}"
    if attributes["final_tune"] == settings.tune:
        return drawn
    kept = f", every {attributes['thin']}th kept" if attributes["thin"] > 1 else ""
    target = attributes["final_target_accept"]
    again = f"second try: {attributes['final_tune']} to tune, target acceptance {target:g}{kept}"
    return f"{drawn} ({again})"


def _outcome(fit: Fit) -> str:
    if not fit.passed:
        return "fails"
    return "passes, second try" if fit.first_try else "passes"


def _gate(fit: Fit) -> list[Text]:
    attributes, faults = fit.tree.attrs, "; ".join(fit.faults)
    if faults:
        return [
            Text(f"Fails the diagnostics: {faults}", warns=True),
            Text(f"Do not interpret it: {attributes['remedy']}"),
        ]
    found = fit.diagnostics
    first = fit.first_try
    return [
        Text(
            f"Passes the diagnostics: R-hat at most {found.max_r_hat:.3f}, bulk ESS at least "
            f"{found.min_ess_bulk:.0f}, tail ESS at least {found.min_ess_tail:.0f}, "
            f"{found.divergences} divergences, E-BFMI at least {found.min_bfmi:.2f}; compiled in "
            f"{attributes['compile_seconds']:.0f} s, "
            f"sampled in {attributes['sampling_seconds']:.0f} s"
        ),
        *([Text(first.sentence, warns=first.apart)] if first else []),
    ]
