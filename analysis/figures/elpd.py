"""What fits predict of dyads, pairs and cities left out: models compared, and Pareto k."""

from dataclasses import replace
from itertools import cycle

import arviz as az
import numpy as np
import pandas as pd
import xarray as xr
from arviz import PlotCollection
from arviz_stats.utils import ELPDDataLOO
from matplotlib.figure import Figure

from analysis.comparison.errors import UNTRUSTED
from analysis.figures import style
from data.errors import ResultsError
from data.outcomes import AMOUNT
from data.roles import sides_of
from models.inference.fit import Fit
from models.leave_out.loo import high_k
from models.leave_out.units import labels_of
from models.name import parse_model

FAR = 8.0  # times the median difference; what lies farther would press all others together
PLURAL = {"row": "rows", "dyad": "directed dyads", "pair": "pairs", "city": "cities"}
NAMED, LABELS = 8, 30  # dyads that are named; senders that the axis has room for
BORDERS = 40  # senders, above which lines between them would hide the marks
LINES = (style.MARK, style.OTHER, style.INK, style.FAINT)


def elpd_table(comparison: xr.DataTree) -> pd.DataFrame:
    """Take what is drawn out of a comparison.

    Rows (unit, model), in the order of the file: the best model of each unit first. ``elpd_diff``
    to the best, its standard errors ``dse`` and ``dse_others``, ``refits`` and ``failed`` ones,
    ``draws``, ``units`` (how many dyads, pairs or cities), ``ml`` (whether the row is scored at
    maximum-likelihood estimates) and ``far`` (whether it would press all others together; of two
    models neither).
    """
    tables = {}
    for unit, group in comparison.children.items():
        columns = ["elpd_diff", "dse", "dse_others", "refits", "failed", "draws"]
        table = group.to_dataset()[columns].to_dataframe()
        table.index = table.index.astype(str)
        size = table["elpd_diff"].abs()
        scale = max(size[size > 0].median(), 2 * table.loc[size > 0, "dse_others"].median())
        tables[unit] = table.assign(
            units=group.sizes[unit],
            ml=table["draws"] == 1,  # an estimate is one point
            far=~np.isfinite(size) | (size > FAR * scale),
        )
    return pd.concat(tables, names=["unit", "model"])


@style.styled()
def elpd_figure(comparison: xr.DataTree, *, backend: str = "matplotlib") -> style.Drawn:
    """Draw how much worse than the best each model predicts what was left out.

    Look for lines that stay left of zero: these models predict worse than the best by more than
    chance, for these cities (thick lines) or for others too (thin ones). Others cannot be told
    apart from the best. Whether they can may differ by panel: known cities (dyads, pairs) and new
    ones are different questions.

    Parameters
    ----------
    comparison : xarray.DataTree
        What `analysis.load_comparison` gave.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        A panel a unit, models in the order of the first; point: difference in elpd to the best,
        thick and thin line: two standard errors for these and for other cities; squares: maximum
        likelihood; arrows at the edge: differences more than eight times the panel's median, in
        figures alone.
    """
    table = elpd_table(comparison)
    units = list(comparison.children)
    models = table.loc[units[0]].index.tolist()
    size = style.sized(backend, 1.5 + 0.28 * len(models), sharey=True)
    if backend == "plotly":
        size["plot_hspace"] = 0.13  # for the figures at the right
    panels = xr.Dataset({"elpd": ("unit", np.zeros(len(units)))}, {"unit": units})
    drawn = PlotCollection.grid(panels, cols=["unit"], backend=backend, figure_kwargs=size)
    titles = {}
    for unit in units:
        rows = table.loc[[(unit, model) for model in models]]
        _draw_rows(drawn, unit, rows)
        number = int(rows["units"].iloc[0])
        left_out = f"{'directed ' * (unit == 'dyad')}{unit}"
        titles[unit] = f"Left out: a {left_out}\n{number} {PLURAL[unit]}"
    style.titled(drawn, "unit", titles)
    style.rule(drawn, 0, color=style.FAINT, linestyle="C0")
    first = drawn.get_target("elpd", {"unit": units[0]})
    names = [style.plain(model, backend) for model in models]
    style.canvas(drawn).yticks(np.arange(len(models), 0, -1), names, first)
    about, failed, refits = Fit(comparison), table["failed"].sum(), table["refits"].sum()
    draws = " or ".join(map(str, sorted(set(table.loc[~table["ml"], "draws"]))))
    cities = int(comparison.attrs["cities"])
    doubtful = f"{cities} cities: with fewer than {UNTRUSTED} the errors are not to be trusted."
    shown = (
        f"{about.title}: {about.priors} priors, {draws} draws a fit. "
        "Difference to the best model of each panel in expected log predictive density (elpd); "
        "thick line: two standard errors for new outcomes of the same cities (at the right: one), "
        "thin line: two for other cities; squares: maximum likelihood, by exact refits"
        f"{'; arrows: beyond the axis' * bool(table['far'].any())}."
    )
    lines = [shown, doubtful * (cities < UNTRUSTED)]
    lines.append(f"{failed} of {refits} refits failed their diagnostics." if failed else "")
    return style.finished(drawn, [*lines, style.synthetic_line(about)])


def dimension_table(table: pd.DataFrame) -> pd.DataFrame:
    """Take out models that differ in the dimensions of their multiplicative effects alone.

    Of `elpd_table` the rows of families that have several, with ``family`` and ``dimensions``: none
    of ``srm``, of amounts ``srm_dyadic``, of undirected dyads ``additive``.
    """
    found = []
    for unit, model in table.index[~table["ml"]]:
        name = parse_model(model)
        effects = model.removeprefix(f"{name.family_name}_")
        without = "srm_dyadic" if name.family.outcome is AMOUNT else "srm"
        if name.factor_parts or effects in (without, "additive"):
            found.append((unit, model, name.family_name, max(name.ranks)))
    columns = ["unit", "model", "family", "dimensions"]
    rows = pd.DataFrame(found, columns=columns).set_index(["unit", "model"])
    rows = table.join(rows, how="inner").sort_values(["family", "dimensions"])
    several = rows.groupby(["unit", "family"])["dimensions"].transform("nunique") > 1
    return rows[several]


@style.styled()
def dimension_figure(comparison: xr.DataTree) -> Figure:
    """Draw how well models predict what was left out against their multiplicative dimensions.

    Look for where the line stops to rise by more than its bars: more dimensions than these fit what
    is the sample's own. Left out by city, positions are those of the population, and dimensions
    help little.

    Parameters
    ----------
    comparison : xarray.DataTree
        What `analysis.load_comparison` gave.

    Returns
    -------
    matplotlib.figure.Figure
        A panel a unit, a line a family; point: difference in elpd to the best model of the panel,
        thick and thin bar: two standard errors for these and for other cities.

    Raises
    ------
    ResultsError
        No family is compared at several numbers of dimensions.
    """
    table = dimension_table(elpd_table(comparison))
    if table.empty:
        raise ResultsError(
            "no family is compared at several dimensions; compare, for example, nb_srm, nb_ame1 "
            "and nb_ame2"
        )
    units = [unit for unit in comparison.children if unit in table.index.get_level_values("unit")]
    figure = Figure(figsize=(style.WIDTH, 3.6))
    panels = figure.subplots(1, len(units), squeeze=False)[0]
    colors = dict(zip(table["family"].unique(), cycle(LINES), strict=False))
    for panel, unit in zip(panels, units, strict=True):
        for family, rows in table.loc[unit].groupby("family"):
            x, y, look = rows["dimensions"], rows["elpd_diff"], {"color": colors[family]}
            for error, width in (("dse_others", 1.2), ("dse", 3.2)):
                ends = y - 2 * rows[error], y + 2 * rows[error]
                panel.vlines(x, *ends, linewidth=width, **look)
            panel.plot(x, y, "o-", markerfacecolor="white", label=family, linewidth=0.8, **look)
        panel.axhline(0, color=style.FAINT, linewidth=0.6)
        panel.set_xticks(range(int(table["dimensions"].max()) + 1))
        panel.set(title=f"Left out: a {unit}", xlabel="dimensions")
    panels[0].set_ylabel("difference in elpd to the best")
    panels[0].legend(frameon=False)
    about = Fit(comparison)
    shown = (
        f"{about.title}: {about.priors} priors. Expected log predictive density (elpd) by the "
        "dimensions of the multiplicative effects, less that of the best model compared; thick "
        "bar: two standard errors for new outcomes of the same cities, thin bar: two for others."
    )
    style.write_below(figure, shown, style.synthetic_line(about))
    return figure


def _draw_rows(drawn: PlotCollection, unit: str, rows: pd.DataFrame) -> None:
    """Draw a panel by `arviz.plot_compare`, for Bayes and maximum likelihood, two lines each."""
    on, panel = style.canvas(drawn), drawn.get_target("elpd", {"unit": unit})
    near = rows[~rows["far"]]
    left = 1.1 * min(float((near["elpd_diff"] - 2 * near["dse_others"]).min()), -1.0)
    right = -0.1 * left
    for ml, color, marker in ((False, style.MARK, "C0"), (True, style.OTHER, "C5")):
        own = rows.where((rows["ml"] == ml) & ~rows["far"])
        point = {"color": color, "facecolor": "white", "marker": marker, "width": 1}
        for error, width in (("dse_others", 1.2), ("dse", 3.2)):
            compared = az.plot_compare(
                own.assign(dse=2 * own[error]),
                backend="none",  # which gives what is to be drawn, here on a panel of several
                visuals={"error_bar": {"color": color, "width": width}, "point_estimate": point}
                | dict.fromkeys(["ref_line", "title", "labels", "ticklabels"], False),
            )
            for visual in compared.viz["plot"].item():
                look = {name: value for name, value in visual.items() if name != "function"}
                getattr(on, visual["function"])(target=panel, **look)
    for place, (difference, error) in enumerate(zip(rows["elpd_diff"], rows["dse"], strict=True)):
        row = len(rows) - place
        on.text(right, row, _figures(difference, error), panel, horizontal_align="left")
        if rows["far"].iloc[place]:
            on.text(left, row, "\N{BLACK LEFT-POINTING TRIANGLE}", panel, horizontal_align="left")
    on.xlim((left, right), panel)
    on.ylim((0.5, len(rows) + 0.5), panel)
    on.xlabel("difference in elpd", panel)


def _figures(difference: float, error: float) -> str:
    if difference == 0:
        return "best"
    digits = 0 if abs(difference) >= 1000 else 1
    value = f"{difference:.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return f"{value} ± {error:.{digits}f}" if np.isfinite(error) else value


def pareto_data(fit: xr.DataTree, estimate: ELPDDataLOO) -> pd.DataFrame:
    """Order the Pareto k of dyads or pairs by sender.

    A row a dyad, those of one sender together, or a pair, by its first city: ``k``, ``city`` (the
    sender or the first city), ``high`` (above the threshold or not a number), ``place`` (1 for the
    worst of the high ones, 0 for the others).
    """
    k = estimate.pareto_k
    (unit,) = k.dims
    dyads = fit["constant_data"].to_dataset()
    labels = labels_of(dyads, str(unit))
    sender, receiver = (dyads[side].to_numpy() for side in sides_of(dyads.coords))
    first = sender if unit != "pair" else np.array([*map(min, sender, receiver)], dtype=str)
    city = dict(zip(labels, first, strict=True))
    table = pd.DataFrame({"k": k.to_numpy()}, index=pd.Index(k[unit].to_numpy(), name=unit))
    table["city"] = [city[label] for label in table.index]
    table["high"] = table.index.isin(high_k(estimate))
    # what is not a number is worse than any number
    worst = table.loc[table["high"], "k"].fillna(np.inf).sort_values(ascending=False, kind="stable")
    table["place"] = pd.Series(np.arange(1, len(worst) + 1), index=worst.index)
    table["place"] = table["place"].fillna(0).astype(int)
    return table.sort_values("city", kind="stable")


@style.styled()
def pareto_figure(
    fit: xr.DataTree, estimate: ELPDDataLOO, *, backend: str = "matplotlib"
) -> style.Drawn:
    """Draw the Pareto k of every dyad (or pair), sender by sender, and name the worst.

    Look for triangles, above the threshold: to leave these out changes the posterior more than
    reweighting its draws can follow, and `interlocal compare` integrates the effects of their
    cities out, or refits the model without them. Many of one sender point at that city; a k far
    above the others at a count worth a second look.

    Parameters
    ----------
    fit : xarray.DataTree
        The fit.
    estimate : arviz_stats.utils.ELPDDataLOO
        What `models.leave_out.loo.psis` gave for it.
    backend : str
        ``matplotlib`` or ``plotly``.

    Returns
    -------
    matplotlib.figure.Figure or arviz.PlotCollection
        A mark a unit; triangles: above the threshold, the eight worst of them named below. What
        is not a finite number stands at the upper edge.
    """
    table = pareto_data(fit, estimate)
    unit, k, high = str(table.index.name), table["k"].to_numpy(), table["high"].to_numpy()
    is_directed = unit != "pair" and "sender" in fit["constant_data"].coords
    finite = k[np.isfinite(k)]
    top, bottom = 1.08 * max(1.0, finite.max(initial=0)), finite.min(initial=0)
    shown, size = xr.DataArray(table["k"].where(np.isfinite(k), top)), 12 if len(k) < 2000 else 4
    drawn = az.plot_khat(
        replace(estimate, pareto_k=shown),
        visuals={"khat": {"color": style.MARK, "alpha": 0.55, "width": 0, "size": size}}
        | {"xlabel": {"text": "sender" if is_directed else "first city of the pair"}}
        | {"ylabel": {"text": "Pareto k"}},
        backend=backend,
        figure_kwargs=style.sized(backend, 3.4),
    )
    style.rule(drawn, estimate.good_k, "horizontal")
    on, panel, at = style.canvas(drawn), drawn.get_target("pareto_k", {}), np.arange(len(k))
    look = {"marker": "C2", "color": style.OTHER, "size": 26}
    on.scatter(at[high], shown.to_numpy()[high], panel, **look)
    on.xlim((-0.02 * len(k), 1.02 * len(k)), panel)
    on.ylim((bottom - 0.05 * top, 1.08 * top), panel)
    place = pd.Series(at, index=table["city"].to_numpy()).groupby(level=0, sort=False)
    if place.ngroups <= BORDERS:
        for border in place.min().to_numpy()[1:]:
            on.vline(border - 0.5, panel, color=style.FAINT, width=0.3, alpha=0.5)
    kept: dict[float, str] = {}
    for name, middle in place.mean().items():
        if not kept or middle - max(kept) >= len(k) / LABELS:
            kept[float(middle)] = style.plain(style.shortened(str(name)), backend)
    on.xticks(list(kept), list(kept.values()), panel, rotation=90)
    worst = table[table["place"].between(1, NAMED)].sort_values("place")["k"]
    named = [f"{label} ({value:.2f})" for label, value in worst.items()]
    named += [f"{high.sum() - len(named)} more"] if high.sum() > len(named) else []
    said = (
        f"{high.sum()} of {len(k)} {PLURAL[unit]} have a Pareto k above the threshold, "
        f"{estimate.good_k:.2f} (dashed line; triangles): importance sampling over "
        f"{estimate.n_samples} draws cannot leave them out{': ' * bool(named)}{', '.join(named)}."
    )
    if backend == "plotly":
        for trace in drawn.viz["figure"].item().data:
            own = table.index if len(trace.x) == len(k) else table.index[high]
            trace.text = [style.plain(label, backend) for label in own]
            trace.hovertemplate = "%{text}: %{y:.2f}<extra></extra>"
    return style.finished(drawn, style.caption(fit, said))
