"""TOML read with clear errors; files written whole or not at all."""

import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

from data.errors import InterlocalError, ResultsError


def read_toml(path: Path, fault: type[InterlocalError], missing: str) -> dict[str, Any]:
    """Read a TOML file."""
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise fault(f"{path}: not found; {missing}") from None
    except UnicodeDecodeError as error:
        raise fault(f"{path}: not UTF-8 at byte {error.start + 1}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise fault(f"{path}: not valid TOML: {error}") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        reason = getattr(error, "strerror", None) or error
        raise fault(f"{path}: cannot be read: {reason}") from None


def refuse_unwritable(folder: Path) -> None:
    """Refuse a folder in which no result can be written, before any work is done for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise ResultsError(
            f"{folder}: results cannot be written there: {error.strerror}; "
            "choose another folder with RESULTS= or --results"
        ) from None


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """Write a file beside its target, and rename it once it is whole."""
    try:
        temporary = target.with_name(f".{target.name}.{token_hex(4)}.tmp")
        temporary.touch(exist_ok=False)
        try:
            yield temporary
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ResultsError(f"{target}: cannot be written: {error.strerror or error}") from None


@contextmanager
def making_folder(target: Path) -> Iterator[Path]:
    """Fill a new folder beside its place, and rename it once it is whole."""
    if target.exists():
        raise ResultsError(f"{target}: exists already; name a folder that is still to be made")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as name:
            filling = Path(name) / "whole"
            filling.mkdir()
            yield filling
            filling.replace(target)
    except OSError as error:
        raise ResultsError(f"{target}: cannot be written: {error.strerror or error}") from None
