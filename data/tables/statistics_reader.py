"""Reads a Stata or SPSS file in a process of its own, which a damaged file may end.

Run as a script with the file, its suffix and words that mean missing. It writes JSON: columns by
name, and the names of those whose values are labels.
"""

import json
import sys
from typing import Any

import pyreadstat


def main(path: str, suffix: str, *missing: str) -> None:
    """Write a file's columns to standard output; values that have labels are their labels.

    A label that would be read as missing, one of `missing`, is not taken: 0 may be called "None".
    """
    reader = pyreadstat.read_dta if suffix == ".dta" else pyreadstat.read_sav
    try:
        columns, metadata = reader(path, output_format="dict")
    except Exception as error:  # noqa: BLE001 - whatever the reader raises
        json.dump({"fault": " ".join(str(error).split()) or type(error).__name__}, sys.stdout)
        return
    labels = {
        name: {value: text for value, text in of.items() if text.strip().casefold() not in missing}
        for name, of in metadata.variable_value_labels.items()
    }
    found = {
        name: [_labelled(value, labels.get(name, {})) for value in values]
        for name, values in columns.items()
    }
    json.dump(
        {"columns": found, "labelled": [name for name in found if labels.get(name)]},
        sys.stdout,
        default=_plain,
    )


def _labelled(value: Any, labels: dict[Any, str]) -> Any:
    try:
        return labels.get(value, value)
    except TypeError:  # what cannot be a key has no label
        return value


def _plain(value: Any) -> Any:
    """Write what JSON does not know: dates as text, numbers of NumPy as numbers."""
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return value.item() if hasattr(value, "item") else str(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
