"""The lines of a CSV file, each with the number that an editor shows."""

import csv
import io
import re
from collections.abc import Iterator

import pandas as pd

from data.declaration import CityTable, Columns
from data.errors import StudyError, suggest


def read_rows(content: bytes, declared: Columns | CityTable, unit: str) -> pd.DataFrame:
    """Read a CSV file as text, one row a unit; it has the columns that are declared."""
    numbered = _records(content)
    _, header = next(numbered, (1, []))
    _check_header(header)
    records: dict[int, list[str]] = {}
    for line, record in numbered:
        if len(record) != len(header):
            raise StudyError(
                f"row {line}: {len(record)} fields where the header has {len(header)}; "
                "put quotes around text that holds a comma"
            )
        records[line] = record
    if not records:
        raise StudyError(f"the table is empty; it needs a header and one row {unit}")
    for key, column in declared:
        if key != "file" and column is not None and column not in header:
            hint = suggest(column, header)
            raise StudyError(f"no column '{column}', which study.toml names; {hint}")
    return pd.DataFrame(list(records.values()), list(records), header, dtype=object)


def _records(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Give each record with the number of the line on which it begins."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StudyError(f"row {line}: not UTF-8; save the table as UTF-8") from None
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
        raise StudyError(f"row {before + 1}: not valid CSV: {fault}") from None


def _check_header(header: list[str]) -> None:
    repeated = sorted({column for column in header if header.count(column) > 1})
    if repeated:
        raise StudyError(f"column '{repeated[0]}' stands twice in the header; rename or remove one")
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        raise StudyError(f"the header is one column, {header[0]!r}; separate by commas")
