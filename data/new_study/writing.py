"""A guess as a study folder: a commented `study.toml`, and the data beside it."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import tomli_w

from data.errors import ResultsError, StudyError
from data.files import all_or_none, making_folder, replacing
from data.new_study.found import Guess

ALONE = "study.toml"


def write_study(
    found: Guess, folder: Path, title: str, files: list[Path], *, copy: bool = True
) -> list[Path]:
    """Write a new study's folder; nothing that is there is replaced.

    Parameters
    ----------
    files : list of pathlib.Path
        The data. They are copied into the folder, unless they lie there already.
    copy : bool
        Whether to copy them; else the study names them where they are.

    Returns
    -------
    list of pathlib.Path
        What was written.

    Raises
    ------
    ResultsError
        The folder holds a study or another file of the same name, or cannot be written.
    """
    names = {path: path.name for path in files}
    if len(set(names.values())) < len(files):
        raise StudyError(f"two files are called {files[0].name}; rename one of them")
    if not copy:
        names = {path: os.path.relpath(path.resolve(), folder.resolve()) for path in files}
    for declared in (found.dyads, found.cities or {}):
        for path in files:
            if declared.get("file") == path.name:
                declared["file"] = Path(names[path]).as_posix()
    text = "\n".join(_lines(found, title)) + "\n"
    moved = [path for path in files if copy and path.resolve().parent != folder.resolve()]
    if folder.exists():
        _add_to(folder, text, moved)
    else:
        with making_folder(folder) as filling:
            _fill(filling, text, moved)
    return [folder / ALONE, *(folder / path.name for path in moved)]


def _add_to(folder: Path, text: str, files: list[Path]) -> None:
    """Make a study of a folder that is there, and has no file of these names."""
    if not folder.is_dir():
        raise ResultsError(f"{folder}: is a file; name a folder")
    for name in (ALONE, *(path.name for path in files)):
        if (folder / name).exists():
            raise ResultsError(
                f"{folder / name}: is there already, and is not replaced; name another folder"
            )
    with all_or_none():
        for path in files:
            with replacing(folder / path.name) as temporary:
                shutil.copyfile(path, temporary)
        with replacing(folder / ALONE) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="")


def _fill(folder: Path, text: str, files: list[Path]) -> None:
    (folder / ALONE).write_text(text, encoding="utf-8", newline="")
    for path in files:
        shutil.copyfile(path, folder / path.name)


def _lines(found: Guess, title: str) -> Iterator[str]:
    """Write `study.toml` with what each line was taken from."""
    yield "# What interlocal new found in the files. Change what is wrong, then make sample."
    yield _pair("title", title)
    yield _pair("models", found.models)
    yield '# noun = "household"     # what outputs call a city'
    yield '# synthetic = ["column"] # columns that are simulated, not observed'
    yield ""
    why = {one.column: one for one in reversed(found.taken)}  # what it was first taken for
    yield "[dyads]"
    yield from _table(found.dyads, why)
    if "absent" not in found.dyads:
        yield '# absent = "zero"        # if dyads without a row are zeros'
    yield '# missing = "drop"       # leave out rows without a predictor; else they are refused'
    if found.cities is not None:
        yield ""
        yield "[cities]"
        yield from _table(found.cities, why)
    yield ""
    yield "# [matrices]              # dyadic predictors as square matrices"
    yield '# distance = "distance.csv"'
    yield ""
    yield "# [predictors]            # computed by name, before formulas use them"
    yield '# near = "-log(distance)"'
    yield ""
    yield "[formula]                 # right-hand sides as in R; the README lists what they may say"
    formula = " + ".join(found.terms) or "1"
    if found.has_selection:
        yield _pair("selection", formula)
    if found.has_degree:
        yield _pair("degree", formula)
    for one in found.left_out:
        term = f" as {one.what}" if one.what else ""
        yield f"# left out: {_in_line(f'{one.column}{term}: {one.why}')}"


def _table(declared: dict[str, Any], why: dict[str, Any]) -> Iterator[str]:
    for key, value in declared.items():
        line = _pair(key, value)
        reason = why.get(value) if key not in ("file", "sheet") else None
        yield f"{line}  # {_in_line(reason.why)}" if reason else line


def _in_line(text: str) -> str:
    """Write a comment on one line, without what TOML refuses."""
    return "".join(c if c.isprintable() else " " for c in text)


def _pair(key: str, value: object) -> str:
    """Write a key on one line."""
    if isinstance(value, list):
        return f"{key} = [{', '.join(_pair('x', one).removeprefix('x = ') for one in value)}]"
    return tomli_w.dumps({key: value}).strip()
