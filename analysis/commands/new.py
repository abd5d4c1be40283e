"""`interlocal new`."""

from pathlib import Path
from typing import Annotated

import typer


def new(
    out: Annotated[str, typer.Argument(help="The study folder to make.")],
    dyads: Annotated[
        str,
        typer.Option(
            "--from",
            help="The dyads: rows, an edge list, a square matrix (.csv .tsv .xlsx .ods .dta .sav "
            ".parquet) or a graph (.graphml .gexf .net).",
        ),
    ],
    cities: Annotated[str, typer.Option(help="A table with a row a city.")] = "",
    outcome: Annotated[
        str, typer.Option(help="The column of counts, or the attribute of edges.")
    ] = "",
    title: Annotated[str, typer.Option(help="The study's title.")] = "",
    copy: Annotated[
        bool,
        typer.Option("--copy/--point", help="Copy the data into the folder, or name them there."),
    ] = True,
) -> None:
    """Make a study folder from files: it runs at once.

    Finds out which column is what, says what each was taken for and why, and writes a study.toml
    with a first formula. Nothing that is there is replaced.
    """
    from data.errors import StudyError
    from data.new_study.guess import guess
    from data.new_study.writing import write_study

    if not dyads:
        raise StudyError("--from is empty; name a file of dyads (make new FROM=edges.csv)")
    source, table = Path(dyads), Path(cities) if cities else None
    named = title or f"{source.stem}: {outcome or 'counts of directed dyads'}"
    found = guess(source, table, outcome or None, named)
    files = list(dict.fromkeys([source, *([table] if table else [])]))  # one, of two sheets
    written = write_study(found, Path(out), named, files, copy=copy)

    import pandas as pd

    from analysis.chapters.data_words import remarks
    from analysis.tables.blocks import Table, Text
    from analysis.tables.terminal import console, show_blocks

    names = {"column": "column", "what": "taken for", "why": "why"}
    blocks: list[Table | Text] = [
        Table(pd.DataFrame(rows).rename(columns=names).set_index("column"), caption)
        for rows, caption in ((found.taken, "What is what"), (found.left_out, "Left out"))
        if rows
    ]
    blocks += [Text(f"{note}.") for note in found.notes]
    blocks += remarks((), tuple(found.cautions))
    show_blocks(blocks, console())
    for path in written:
        print(f"written: {path}")
    print(f"next: make sample STUDY={out}")
