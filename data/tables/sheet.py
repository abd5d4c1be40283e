"""A file of any kind -> rows of text, each under the number that the user's program shows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from data.declaration import Source
from data.errors import StudyError, suggest
from data.files import TABULATED, opened, read_bytes
from data.tables.binary_rows import (
    SPREADSHEETS,
    Table,
    as_text,
    read_parquet,
    read_spreadsheet,
    read_statistics,
)
from data.tables.csv_rows import read_text

STATISTICS = (".dta", ".sav")
PARQUET = (".parquet",)


@dataclass(frozen=True)
class Sheet:
    """A table as a file holds it.

    Attributes
    ----------
    table : pandas.DataFrame
        Text; its index holds what messages call the rows: numbers, or words for what has none.
    notes : tuple of str
        What was found out of how the file is written.
    """

    table: pd.DataFrame
    notes: tuple[str, ...] = ()


def read_sheet(path: Path, source: Source, missing: str) -> Sheet:
    """Read a table from a file, by its suffix; one that is unknown is read as text.

    Parameters
    ----------
    missing : str
        What names the file, for where there is none.
    """
    suffix = path.suffix.casefold()
    if suffix in STATISTICS:
        with opened(path, TABULATED, StudyError, missing):  # another process reads it
            header, records, notes = read_statistics(path, suffix)
    else:
        content = read_bytes(path, TABULATED, StudyError, missing)
        header, records, notes = _read(content, suffix, source)
    _refuse_repeated(header)
    table = pd.DataFrame(list(records.values()), list(records), header, dtype=object)
    return Sheet(table, tuple(notes))


def _read(content: bytes, suffix: str, source: Source) -> Table:
    if suffix in SPREADSHEETS:
        return read_spreadsheet(content, source)
    if suffix in PARQUET:
        return read_parquet(content)
    if suffix == ".tsv" and source.separator is None:
        source = source.model_copy(update={"separator": "\t"})
    return read_text(content, source)


def sheet_of(frame: pd.DataFrame) -> Sheet:
    """Take a table that is in memory; its rows are counted as those of a file with a header."""
    cells = {
        column: [as_text(cell) for cell in frame.iloc[:, k].to_list()]
        for k, column in enumerate(map(str, frame.columns))
    }
    _refuse_repeated([str(column) for column in frame.columns])
    numbers = range(2, len(frame) + 2)
    return Sheet(pd.DataFrame(cells, numbers, list(cells), dtype=object))


def _refuse_repeated(header: Sequence[str]) -> None:
    repeated = sorted({column for column in header if list(header).count(column) > 1})
    if "" in repeated:
        raise StudyError(
            "two columns have no name in the first row, which is the header; begin with the header"
        )
    if repeated:
        raise StudyError(f"column '{repeated[0]}' stands twice in the header; rename or remove one")


def refuse_lacking(
    table: pd.DataFrame, declared: Source, keys: Iterable[str], place: str, unit: str
) -> None:
    """Refuse a table without rows, or without a column that is needed.

    Parameters
    ----------
    keys : iterable of str
        The keys of `declared` that name columns.
    place : str
        The table of `study.toml` that they stand in.
    unit : str
        What a row is, for messages.
    """
    if table.empty:
        raise StudyError(f"the table is empty; it needs a header and one row {unit}")
    header = list(table.columns)
    for key in keys:
        column = getattr(declared, key)
        if column is None or column in header:
            continue
        hint = suggest(column, header)
        if key in declared.model_fields_set:
            raise StudyError(f"no column '{column}', which study.toml names; {hint}")
        raise StudyError(f"no column '{column}'; name it in study.toml, {place} {key}; {hint}")
