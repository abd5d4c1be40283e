"""Tables of other programs: spreadsheets, Stata, SPSS, Parquet."""

import datetime as dt
import io
import json
import math
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.declaration import Source
from data.errors import StudyError
from data.files import TABULATED
from data.tables.csv_rows import Records
from data.tables.rules import MISSING

SPREADSHEETS = (".xlsx", ".xls", ".ods")
UNPACKED = 4 * TABULATED  # bytes of what a compressed file holds
WHOLE = 2**53  # up to which floating point holds every whole number
PATIENCE = 600  # seconds that reading a file may take in a process of its own
CELLS = 50_000_000  # of a sheet: its last row times its last column

Table = tuple[list[str], Records, list[str]]


def read_spreadsheet(content: bytes, source: Source) -> Table:
    """Read a sheet of an Excel or OpenDocument file; rows have the numbers that it shows."""
    book = _book(content)
    name = _chosen_sheet(list(book.sheet_names), source)
    with read_by("a spreadsheet"):
        sheet = book.get_sheet_by_name(name)
        rows = sheet.to_python(skip_empty_area=True)
        start = sheet.start or (0, 0)
        merged = _merged(sheet)
    if merged:
        raise StudyError(
            f"sheet '{name}' has merged cells at {_cell(*merged[0])}; split them, "
            "and write each value in its own cell"
        )
    numbered = {start[0] + k + 1: [as_text(cell) for cell in row] for k, row in enumerate(rows)}
    full = {number: row for number, row in numbered.items() if any(row)}
    if not full:
        return [], {}, []
    _, header = next(iter(full.items()))
    records = dict(list(full.items())[1:])
    # columns without a heading or a value are what a spreadsheet leaves behind
    kept = [
        k for k, heading in enumerate(header) if heading or any(row[k] for row in records.values())
    ]
    return (
        [header[k] for k in kept],
        {number: [row[k] for k in kept] for number, row in records.items()},
        [],
    )


def sheet_names(content: bytes) -> list[str]:
    """List the sheets of a spreadsheet."""
    return list(_book(content).sheet_names)


def _book(content: bytes) -> Any:
    import python_calamine as calamine  # noqa: PLC0415 - only where there is a spreadsheet

    with read_by("a spreadsheet"):
        _refuse_swollen(content)
        return calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))


def _chosen_sheet(names: Sequence[str], source: Source) -> str:
    if source.sheet is not None:
        if source.sheet not in names:
            raise StudyError(f"no sheet '{source.sheet}'; it has: {', '.join(names)}")
        return source.sheet
    if len(names) != 1:
        raise StudyError(
            f"has {len(names)} sheets: {', '.join(names)}; name one in study.toml, as in "
            f'sheet = "{names[0] if names else "Sheet1"}"'
        )
    return names[0]


def _merged(sheet: Any) -> list[tuple[int, int]]:
    """Give the first cells of merged areas, by row and column; formats without them have none."""
    ranges = sheet.merged_cell_ranges or []
    return [first for first, last in ranges if first != last]


def _cell(row: int, column: int) -> str:
    """Name a cell as a spreadsheet does."""
    letters, number = "", column + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row + 1}"


def _refuse_swollen(content: bytes) -> None:
    """Refuse a file that unpacks to more than can be held, or a sheet with a cell far out."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return  # an .xls
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > UNPACKED:
            raise StudyError("unpacks to over 1 GiB; save the sheet as a .csv file")
        for entry in archive.infolist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", entry.filename):
                _refuse_far(archive.read(entry))


def _refuse_far(sheet: bytes) -> None:
    rows = columns = 0
    for letters, number in re.findall(rb'\br="([A-Z]{1,4})(\d{1,9})"', sheet):
        position = 0
        for letter in letters:
            position = 26 * position + letter - ord("A") + 1
        rows, columns = max(rows, int(number)), max(columns, position)
    if rows * columns > CELLS:
        raise StudyError(
            f"reaches to row {rows} and column {columns}; remove what lies far from the table"
        )


def read_statistics(path: Path, suffix: str) -> Table:
    """Read a Stata or SPSS file; values that have labels are their labels.

    Their reader, a C library, can crash on a damaged file: it runs in a process of its own.
    """
    kind = "a Stata file" if suffix == ".dta" else "an SPSS file"
    script = str(Path(__file__).with_name("statistics_reader.py"))
    try:
        done = subprocess.run(  # noqa: S603 - our own script
            [sys.executable, "-P", script, str(path), suffix, *sorted(MISSING)],
            capture_output=True,
            check=False,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        raise StudyError(f"cannot be read as {kind} within {PATIENCE} seconds") from None
    found = json.loads(done.stdout) if done.returncode == 0 else {}
    if "columns" not in found:
        raise StudyError(f"cannot be read as {kind}: {found.get('fault', 'it is damaged')}")
    columns = found["columns"]
    notes = [f"value labels in place of numbers in {', '.join(found['labelled'])}"]
    header, records = _of_columns(list(columns), list(columns.values()))
    return header, records, notes if found["labelled"] else []


def read_parquet(content: bytes) -> Table:
    """Read a Parquet file."""
    from pyarrow import parquet  # noqa: PLC0415 - only where there is such a file

    with read_by("a Parquet file"):
        file = parquet.ParquetFile(io.BytesIO(content))
        groups = (file.metadata.row_group(k) for k in range(file.metadata.num_row_groups))
        too_large = sum(group.total_byte_size for group in groups) > UNPACKED
        if too_large or file.metadata.num_rows * file.metadata.num_columns > CELLS:
            raise StudyError("holds too much; keep the rows and columns that are needed")
        table = file.read()
        names = [str(name) for name in table.column_names]
        columns = [table.column(k).to_pylist() for k in range(table.num_columns)]
        return *_of_columns(names, columns), []


def _of_columns(names: list[str], columns: list[list[Any]]) -> tuple[list[str], Records]:
    rows = zip(*columns, strict=True) if columns else ()
    return names, {
        number: [as_text(cell) for cell in row] for number, row in enumerate(rows, start=1)
    }


def as_text(cell: object) -> str:
    """Write a cell as a text file holds it: whole numbers without a point, nothing as nothing."""
    if cell is None or cell is pd.NA or cell is pd.NaT:
        return ""
    match cell:
        case str():
            return cell
        case dt.datetime() | dt.date() | dt.time():
            return cell.isoformat()
        case int() | np.integer():  # a code may be longer than a float64 holds
            return str(int(cell))
    return _number_as_text(cell)


def _number_as_text(cell: object) -> str:
    try:
        number = float(cell)  # type: ignore[arg-type] # of any program's type
    except (TypeError, ValueError, OverflowError):
        return str(cell)
    if math.isnan(number):
        return ""
    return str(int(number)) if number.is_integer() and abs(number) <= WHOLE else repr(number)


@contextmanager
def read_by(kind: str) -> Iterator[None]:
    """Say in one line that a file is not what its name says, whatever its reader raises."""
    try:
        yield
    except (StudyError, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # noqa: BLE001 - a reader's panic is no Exception
        said = " ".join(str(error).split()) or type(error).__name__
        raise StudyError(f"cannot be read as {kind}: {said}") from None
