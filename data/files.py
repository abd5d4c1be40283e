"""TOML read with clear errors; files written whole or not at all."""

import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from stat import S_ISREG
from typing import Any

from data.errors import InterlocalError, ResultsError, located

MIB = 2**20
DECLARED = MIB  # the most bytes of a study.toml, of priors
TABULATED = 256 * MIB  # of a table


def read_toml(path: Path, fault: type[InterlocalError], missing: str) -> dict[str, Any]:
    """Read a TOML file."""
    with located(path):
        return parse_toml(read_bytes(path, DECLARED, fault, missing), fault)


def read_bytes(path: Path, most: int, fault: type[InterlocalError], missing: str) -> bytes:
    """Read a file whole; say what is missing where there is none.

    Parameters
    ----------
    most : int
        Bytes that it may have; what is no regular file may have no end.
    """
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode):
            raise fault("is not a file; name one that is")
        if found.st_size > most:
            raise fault(f"has {found.st_size / MIB:.0f} MiB; at most {most // MIB} are read")
        with path.open("rb") as file:
            return file.read(most)
    except FileNotFoundError:
        raise fault(f"not found; {missing}") from None
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise fault(f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def parse_toml(content: bytes, fault: type[InterlocalError]) -> dict[str, Any]:
    """Read TOML."""
    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise fault(f"not UTF-8 at byte {error.start + 1}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise fault(f"not valid TOML: {error}") from None
    except RecursionError:
        raise fault("not valid TOML: too many brackets within each other") from None
    except ValueError as error:  # a number of thousands of digits
        raise fault(f"cannot be read: {error}") from None


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
