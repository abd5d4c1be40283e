"""The lines of a text file, each with the number that an editor shows."""

import csv
import io
import re
from collections.abc import Iterator

from data.declaration import Source
from data.errors import StudyError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
WHOLE = re.compile(r"\s*[+-]?\d+\s*")
THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(,\d{3})+\s*")  # or three decimals
POINTED = re.compile(r"\s*[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d+)?\s*")  # thousands, or three decimals
DECIMAL = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*")

Records = dict[int, list[str]]  # by the number of the row


def read_text(content: bytes, source: Source) -> tuple[list[str], Records, list[str]]:
    """Read a text file as a header and records.

    Returns
    -------
    header : list of str
    records : dict of int to list of str
        By the number of the line on which a record begins.
    notes : list of str
        What was found out: how fields are separated, which decimal sign there is.
    """
    text = _decoded(content)
    separator = source.separator or _found_separator(text)
    notes = []
    if source.separator is None and separator != ",":
        notes.append(f"fields are separated by {SEPARATORS[separator]}")
    numbered = _records(text, separator)
    _, header = next(numbered, (1, []))
    if len(header) == 1 and (odd := re.search(r"[;\t|]", header[0])):
        raise StudyError(
            f"the header is one column, {header[0]!r}; separate by {odd[0]!r} or commas"
        )
    records: Records = {}
    for line, record in numbered:
        if len(record) != len(header):
            raise StudyError(
                f"row {line}: {len(record)} fields where the header has {len(header)}; "
                f"put quotes around text that holds {_one(separator)}"
            )
        records[line] = record
    if source.decimal == "," or (source.decimal is None and separator != ","):
        changed = _with_points(header, records, declared=source.decimal == ",")
        if changed and source.decimal is None:
            notes.append(f"decimal commas in {', '.join(changed)}")
    return header, records, notes


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StudyError(f"row {line}: not UTF-8; save the table as UTF-8") from None


def _found_separator(text: str) -> str:
    """Take the separator that gives header and first row the same fields, and the most of them."""
    best, most = ",", 1
    for separator in SEPARATORS:
        try:
            reader = (record for _, record in _records(text, separator))
            header, first = next(reader, []), next(reader, [])
        except StudyError:  # a quote that is none for this separator; read_text says where
            continue
        if len(header) > most and len(first) in (0, len(header)):
            best, most = separator, len(header)
    return best


def _records(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Give each record with the number of the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=separator)
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


def _with_points(header: list[str], records: Records, *, declared: bool) -> list[str]:
    """Write decimal points where columns of numbers have decimal commas.

    Unless commas are declared, a column has them where every value is a number with or without
    one, and some are with.
    """
    changed = []
    for number, column in enumerate(header):
        values = [record[number] for record in records.values() if record[number].strip()]
        if declared and (pointed := next(filter(POINTED.fullmatch, values), None)):
            raise StudyError(
                f"column '{column}' holds {pointed.strip()!r} beside decimal commas; take out the "
                "points between thousands"
            )
        with_comma = [bool(DECIMAL.fullmatch(value)) for value in values]
        every = all(
            comma or WHOLE.fullmatch(value) for comma, value in zip(with_comma, values, strict=True)
        )
        if any(with_comma) and (every or declared):
            if not declared:
                _refuse_thousands(column, values)
            changed.append(column)
            for record in records.values():
                if DECIMAL.fullmatch(record[number]):
                    record[number] = record[number].replace(",", ".")
    return changed


def _refuse_thousands(column: str, values: list[str]) -> None:
    """Refuse commas that may part thousands."""
    commas = [value for value in values if "," in value]
    if all(THOUSANDS.fullmatch(value) for value in commas):
        raise StudyError(
            f"column '{column}' holds {commas[0].strip()!r}, which may be thousands or decimals; "
            'write decimal = "," or decimal = "." beside file in study.toml'
        )


def _one(separator: str) -> str:
    return {",": "a comma", ";": "a semicolon", "\t": "a tab", "|": "a bar"}[separator]
