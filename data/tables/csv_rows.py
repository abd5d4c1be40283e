"""The lines of a CSV file, each with the number that an editor shows."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from data.errors import StudyError, suggest

ROW_OF = {"dyads": "a dyad", "cities": "a city"}  # what one row of each table of a study is


def read_rows(path: Path, columns: Sequence[str], table: str) -> pd.DataFrame:
    """Read a CSV file as text."""
    numbered = _records(path, _text(path, table))
    _, header = next(numbered, (1, []))
    _check_header(header, path)
    lines: list[int] = []
    records: list[list[str]] = []
    for line, record in numbered:
        if len(record) != len(header):
            raise StudyError(
                f"{path}: row {line}: {len(record)} fields where the header has {len(header)}; "
                "put quotes around text that holds a comma"
            )
        lines.append(line)
        records.append(record)
    if not records:
        raise StudyError(
            f"{path}: the table is empty; it needs a header and one row {ROW_OF[table]}"
        )
    for column in columns:
        if column not in header:
            hint = suggest(column, header)
            raise StudyError(f"{path}: no column '{column}', which study.toml names; {hint}")
    return pd.DataFrame(records, columns=header, index=pd.Index(lines, name="row"), dtype=object)


def _text(path: Path, table: str) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raise StudyError(f"{path}: not found; [{table}] file in study.toml names it") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or error
        raise StudyError(f"{path}: cannot be read: {reason}") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise StudyError(f"{path}: row {line}: not UTF-8; save the table as UTF-8") from None


def _records(path: Path, text: str) -> Iterator[tuple[int, list[str]]]:
    """Give each record with the number of the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    before = 0
    try:
        for record in reader:
            if record:
                yield before + 1, record
            before = reader.line_num
    except csv.Error as error:
        fault = str(error)
        if "unexpected end" in fault:
            fault = "a quote that opens there is not closed"
        raise StudyError(f"{path}: row {before + 1}: not valid CSV: {fault}") from None


def _check_header(header: list[str], path: Path) -> None:
    repeated = sorted({column for column in header if header.count(column) > 1})
    if repeated:
        raise StudyError(
            f"{path}: column '{repeated[0]}' stands twice in the header; rename or remove one"
        )
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        raise StudyError(f"{path}: the header is one column, {header[0]!r}; separate by commas")
