"""Fits and gradients as tables for the documentation, in Markdown."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from fits import Fit
from peers import PEERS

Unrun = Mapping[tuple[str, int, str], str]
MEBIBYTE = 2**20
KEPT = "Kept from an earlier run of the same code"
WORDS = ("model", "program", "study")  # the columns of text


def gradient_table(fits: Iterable[Fit]) -> str:
    """Write the time of one gradient of the joint log-density, in all and for each dyad."""
    rows, kept = [], False
    for fit in fits:
        kept = kept or fit.is_kept
        about = {"model": fit.request.model, "cities": fit.request.cities}
        if fit.state != "done":
            rows.append(about | {"ours, µs": fit.state})
            continue
        dyads = fit.attributes["dyads"]
        ours, theirs = (
            np.array(fit.attributes["seconds"][each]) for each in ("ours", "pymc-nutpie")
        )
        row = about | {"dyads": f"{dyads:,}"}
        for label, seconds in (("ours", ours), ("PyMC", theirs)):
            row[f"{label}, µs"] = short(1e6 * np.median(seconds))
            row[f"{label}, ns a dyad"] = short(1e9 * np.median(seconds) / dyads)
        rows.append(row | {"ratio": short(np.median(theirs / ours))})
    caption = (
        "Median time of one gradient of the joint log-density, and the median of the ratios of "
        "the rounds. PyMC: its own distributions, effects non-centered."
    )
    return captioned(caption, markdown(rows), *([KEPT + "."] if kept else []))


def cost_table(rows: pd.DataFrame, model: str, unrun: Unrun) -> str:
    """Write what effective draws of one model cost, a row a program and number of cities."""
    own = rows[rows["model"] == model]
    lines = [
        _line(own[(own["cities"] == cities) & (own["peer"] == peer)])
        for cities in own["cities"].unique()
        for peer in PEERS
        if ((own["cities"] == cities) & (own["peer"] == peer)).any()
    ]
    return captioned(f"`{model}`", markdown(lines), *_remarks(own, model, unrun))


def _line(group: pd.DataFrame) -> dict[str, str]:
    """Give the medians of the rounds."""
    first, middle = group.iloc[0], group.median(numeric_only=True)
    states = set(group["state"])
    line = {
        "cities": f"{first['cities']}",
        "dyads": f"{first['dyads']:,}",
        "program": PEERS[first["peer"]].label,
    }
    if states == {"done"}:
        is_ours = first["peer"] == "ours"
        return line | {
            "ESS": short(middle["ess"]),
            "sampling, s": short(middle["sampling"]),
            "all, s": short(middle["total"]),
            "ESS/s of sampling": short(middle["per_sampling"]),
            "ESS/s in all": short(middle["per_total"]),
            "ours : it, sampling": "" if is_ours else short(middle["gain_sampling"]),
            "ours : it, in all": "" if is_ours else short(middle["gain_total"]),
            "memory, MB": short(middle["memory"] / MEBIBYTE),
            "largest z": "" if is_ours else short(group["z"].max()),
            "R-hat": f"{group['r_hat'].max():.3f}",
            "divergences": f"{group['divergences'].sum():.0f}",
        }
    if "failed" in states:
        return line | {"all, s": "failed"}
    return line | {
        "all, s": f"> {first['limit']:g}",
        "ESS/s of sampling": short(middle["per_sampling"], "< "),
        "ESS/s in all": short(middle["per_total"], "< "),
        "ours : it, sampling": short(middle["gain_sampling"], "> "),
        "ours : it, in all": short(middle["gain_total"], "> "),
        "memory, MB": short(middle["memory"] / MEBIBYTE),
    }


def _remarks(rows: pd.DataFrame, model: str, unrun: Unrun) -> list[str]:
    found: dict[str, dict[str, list[str]]] = {}
    for (of, cities, peer), why in unrun.items():
        if of == model:
            found.setdefault(why, {}).setdefault(PEERS[peer].label, []).append(f"{cities}")
    remarks = [
        "Not run: "
        + "; ".join(f"{label} at {_listed(sizes)} cities" for label, sizes in labels.items())
        + f" ({why})."
        for why, labels in found.items()
    ]
    kept = [
        f"{PEERS[peer].label} at {_listed(group['cities'].unique())} cities"
        for peer, group in rows[rows["is_kept"]].groupby("peer", sort=False)
    ]
    if kept:
        remarks.append(f"{KEPT}: {'; '.join(kept)}.")
    return remarks


def markdown(rows: Sequence[Mapping[str, object]]) -> str:
    """Write rows as a table, as they are."""
    table = pd.DataFrame(rows).fillna("")
    sides = ["left" if column in WORDS else "right" for column in table]
    return str(table.to_markdown(index=False, disable_numparse=True, colalign=sides))


def _listed(sizes: Iterable[object]) -> str:
    return ", ".join(str(size) for size in sizes)


def short(value: float, sign: str = "") -> str:
    """Write three digits of a number, behind a sign; nothing where there is none."""
    if not np.isfinite(value):
        return ""
    return sign + (f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}")


def captioned(caption: str, table: str, *remarks: str) -> str:
    """Write a caption above a table, and remarks below it."""
    parts = [textwrap.fill(caption, 100), table, *(textwrap.fill(each, 100) for each in remarks)]
    return "\n\n".join(parts) + "\n"
