"""What is known of a study's hypotheses, in words, on the terminal and in files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import pandas as pd
from rich.console import Console
from rich.markup import escape

from analysis.hypothesis.verdicts import Findings, rules
from analysis.posterior.summary import CI_PROB
from analysis.tables.fit import plain_table
from analysis.tables.words import markdown_text, synthetic_sentence
from data.files import refuse_unwritable, replacing

HEADINGS = ("mean", f"{CI_PROB:.0%} interval", "P(direction)", "in ROPE", "verdict")
TURNS = "(sign changes)"  # behind a verdict


def sentences(found: Findings) -> list[str]:
    """Say of each hypothesis what the models find under each prior set."""
    return [_sentence(rows) for _, rows in _by_hypothesis(found)]


def remarks(found: Findings) -> list[str]:
    """Say what is not in the table, and by which rules verdicts come about."""
    said = [
        f"Not in the model: the {part} part of {_listed(models)}."
        for part, models in found.absent.items()
    ]
    if found.failed:
        said.append(f"Failed the diagnostics, and not used: {', '.join(found.failed)}.")
    if found.out_of_date:
        number = len(found.out_of_date)
        said.append(
            f"{number} result{'s' * (number > 1)} of other data or priors, not used: "
            f"{', '.join(found.out_of_date)}."
        )
    if "ml_estimate" in found.table and found.table["ml_estimate"].isna().all():
        said.append("No maximum-likelihood results are there: `interlocal mle` makes them.")
    return [*said, f"Rules: {rules(found.rope)}"]


def print_hypotheses(found: Findings, title: str, synthetic: Sequence[str], out: Console) -> None:
    """Print each hypothesis under every model and prior set, and what that comes to."""
    out.print()
    out.rule(f"[bold]Hypotheses[/bold] · {escape(title)}", align="left")
    if synthetic:
        out.print(f"[bold yellow]{escape(synthetic_sentence(synthetic))}[/]")
    for heading, rows in _by_hypothesis(found):
        grid = plain_table(escape(heading))
        grid.add_column("", overflow="fold")
        grid.add_column("priors", overflow="fold")
        for each in HEADINGS:
            grid.add_column(each, justify="left" if each == "verdict" else "right", no_wrap=True)
        for (_, model, priors), cells in _cells(rows):
            grid.add_row(escape(model), escape(priors), *cells)
        out.print()
        out.print(grid)
        for sentence in (_sentence(rows), *_classical(rows)):
            out.print(escape(sentence))
    out.print()
    for sentence in remarks(found):
        out.print(escape(sentence))


def write_hypotheses(
    found: Findings, title: str, synthetic: Sequence[str], folder: Path
) -> list[Path]:
    """Write the table as CSV, and all that is said of it as Markdown, each whole or not at all."""
    refuse_unwritable(folder)
    contents = {
        "csv": found.table.assign(synthetic=" ".join(synthetic)).to_csv(),
        "md": markdown(found, title, synthetic),
    }
    paths = []
    for ending, content in contents.items():
        paths.append(folder / f"hypotheses.{ending}")
        with replacing(paths[-1]) as temporary:
            temporary.write_text(content, encoding="utf-8")
    return paths


def markdown(found: Findings, title: str, synthetic: Sequence[str]) -> str:
    """Write all that is known of the hypotheses as Markdown."""
    blocks = [f"**Hypotheses**: {markdown_text(title)}"]
    if synthetic:
        blocks.append(synthetic_sentence(synthetic))
    for heading, rows in _by_hypothesis(found):
        shown = pd.DataFrame(
            [[model, priors, *cells] for (_, model, priors), cells in _cells(rows)],
            columns=["model", "priors", *HEADINGS],
        )
        body = shown.to_markdown(index=False, disable_numparse=True)
        sources = [f"Source: {each}." for each in rows["source"].unique() if each]
        blocks += [
            f"**{markdown_text(heading)}**",
            body,
            markdown_text(_sentence(rows)),
            markdown_text(" ".join([*_classical(rows), *sources])),
        ]
    return "\n\n".join(filter(None, [*blocks, *remarks(found)])) + "\n"


def _by_hypothesis(found: Findings) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give each hypothesis' heading and rows, in order."""
    by = ["hypothesis", "part", "term", "direction"]
    for (label, part, term, direction), rows in found.table.groupby(by, sort=False):
        yield f"{label}: {part}, {term}, {direction}", rows


def _cells(rows: pd.DataFrame) -> Iterator[tuple[tuple[str, str, str], list[str]]]:
    for key, row in rows.iterrows():
        turns = f" {TURNS}" if row["sign_changes"] else ""
        yield (
            cast("tuple[str, str, str]", key),
            [
                f"{row['mean']:.3f}",
                f"{row['lower']:.3f} to {row['upper']:.3f}",
                f"{row['p_direction']:.3f}",
                f"{row['rope_share']:.0%}",
                f"{row['verdict']}{turns}",
            ],
        )


def _sentence(rows: pd.DataFrame) -> str:
    flat = rows.reset_index()
    under: dict[str, list[str]] = {}
    for priors, some in flat.groupby("priors", sort=False):
        under.setdefault(_counted(some), []).append(str(priors))
    said = [f"{text} under {_listed(sets)} priors" for text, sets in under.items()]
    text = f"{flat['hypothesis'].iloc[0]}: {'; '.join(said)}."
    turning = list(dict.fromkeys(flat.loc[flat["sign_changes"], "model"]))
    if turning:
        text += f" The sign of the mean changes with the priors in {_listed(turning)}."
    return text


def _counted(rows: pd.DataFrame) -> str:
    """Say how many models support a hypothesis, and what the others find."""
    models = {
        str(verdict): [str(model) for model in some["model"]]
        for verdict, some in rows.groupby("verdict", sort=False)
    }
    if len(models) == 1:
        ((verdict, named),) = models.items()
        every = {1: named[0], 2: "both models"}.get(len(named), f"all {len(named)} models")
        return f"{verdict} in {every}"
    supporting = len(models.pop("supported", []))
    others = [f"{verdict} in {_listed(named)}" for verdict, named in models.items()]
    return f"supported in {supporting} of {len(rows)} models ({'; '.join(others)})"


def _listed(words: Sequence[str]) -> str:
    *before, last = words
    return f"{', '.join(before)} and {last}" if before else last


def _classical(rows: pd.DataFrame) -> Iterator[str]:
    """Say what pooled maximum likelihood finds, once for the models of one family."""
    flat = rows.reset_index()
    known = flat[flat["ml_estimate"].notna()]
    kinds = [name for name in flat.columns if name.startswith("p_") and name != "p_direction"]
    for estimate, same in known.groupby("ml_estimate", sort=False):
        values = same.iloc[0][kinds].dropna()
        figures = [f"{str(name).removeprefix('p_')} {_p(each)}" for name, each in values.items()]
        models = _listed(list(dict.fromkeys(same["model"])))
        p = f"p by {', '.join(figures)}" if figures else "p is not determined"
        yield f"Pooled maximum likelihood, beside {models}: {estimate:.3f}; {p}."


def _p(value: float) -> str:
    return "<0.001" if value < 0.0005 else f"{value:.3f}"
