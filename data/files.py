"""TOML read with clear errors; files written whole or not at all."""

import os
import platform
import re
import shutil
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from secrets import token_hex
from stat import S_ISREG
from typing import IO, Any
from zlib import crc32

from data.errors import InterlocalError, ResultsError, located

MIB = 2**20
DECLARED = MIB  # the most bytes of a study.toml, of priors
TABULATED = 256 * MIB  # of a table
HOST = f"{crc32(platform.node().encode()):08x}"  # which a process's number is of
LEFT = re.compile(r"^\..*\.(?P<host>[0-9a-f]{8})-(?P<process>\d{1,9})-[0-9a-f]{8}\.tmp$", re.DOTALL)
_WAITING: ContextVar[dict[Path, Path] | None] = ContextVar("_WAITING", default=None)


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
    with opened(path, most, fault, missing) as file:
        return file.read(most)


@contextmanager
def opened(
    path: Path, most: int, fault: type[InterlocalError], missing: str
) -> Iterator[IO[bytes]]:
    """Open a file for reading, as `read_bytes` does."""
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode):
            raise fault("is not a file; name one that is")
        if found.st_size > most:
            raise fault(f"has {found.st_size / MIB:.0f} MiB; at most {most // MIB} are read")
        with path.open("rb") as file:
            yield file
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
    """Write a file beside its target, and rename it once it is whole.

    Within `all_or_none` it is renamed when all others are whole too.
    """
    with _beside(target) as temporary:
        temporary.touch(exist_ok=False)
        yield temporary
        if (waiting := _WAITING.get()) is None:
            temporary.replace(target)
        else:
            waiting[target] = temporary


@contextmanager
def all_or_none() -> Iterator[None]:
    """Rename the files that are written within once all are whole; a fault leaves none of them."""
    if _WAITING.get() is not None:  # within another, whose files these are
        yield
        return
    waiting: dict[Path, Path] = {}
    token = _WAITING.set(waiting)
    try:
        yield
        for target, temporary in waiting.items():
            with _beside(target):
                temporary.replace(target)
    finally:
        _WAITING.reset(token)
        for temporary in waiting.values():
            temporary.unlink(missing_ok=True)


@contextmanager
def making_folder(target: Path) -> Iterator[Path]:
    """Fill a new folder beside its place, and rename it once it is whole."""
    if target.exists():
        raise ResultsError(f"{target}: exists already; name a folder that is still to be made")
    with _beside(target) as filling:
        filling.mkdir(parents=True)
        yield filling
        filling.replace(target)


@contextmanager
def _beside(target: Path) -> Iterator[Path]:
    """Name what is written beside a target, and remove it where writing fails."""
    temporary = target.with_name(f".{target.name}.{HOST}-{os.getpid()}-{token_hex(4)}.tmp")
    try:
        _remove_left(target.parent)
        try:
            yield temporary
        except BaseException:
            _remove(temporary)
            raise
    except OSError as error:
        raise ResultsError(f"{target}: cannot be written: {error.strerror or error}") from None


@cache
def _remove_left(folder: Path) -> None:
    """Remove what processes that were killed have left of files, once a folder and process."""
    if os.name != "posix" or not folder.is_dir():  # elsewhere a process cannot be asked for so
        return
    for path in folder.iterdir():
        left = LEFT.search(path.name)
        if left and left["host"] == HOST and not _is_running(int(left["process"])):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)  # which sends nothing
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        pass
    return True
