"""Results as netCDF files: written whole, with a checksum, and opened in this one place.

HDF5 finds some damage when it opens a file, some when an array is read, and some never. So every
file ends in the SHA-256 of what comes before it, which HDF5 and whatever reads by it leave alone.
Here a file is opened only where the sum holds, and then it is what was written.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from stat import S_ISREG
from typing import Any, BinaryIO, Final

import h5netcdf
import xarray as xr

from data.errors import ResultsError
from data.files import replacing

MARK = b"interlocal sha-256: "  # and 32 bytes
END = len(MARK) + hashlib.sha256().digest_size
ENGINE: Final = "h5netcdf"
BLOCK = 2**20  # bytes that are read at once
NOT_OURS = "it is cut short, or this version did not write it"
CHANGED = "its bytes are not those that were written"


def write(result: xr.Dataset | xr.DataTree, path: Path, encoding: Any = None) -> None:
    """Write a result, whole or not at all."""
    with replacing(path) as temporary:
        result.to_netcdf(temporary, engine=ENGINE, encoding=encoding)
        with temporary.open("r+b") as file:
            file.write(MARK + _sum(file, temporary.stat().st_size))


@contextmanager
def opened(path: Path, again: str) -> Iterator[h5netcdf.File]:
    """Open a result for a few of its numbers or attributes.

    Parameters
    ----------
    again : str
        The command that makes it again, for the message where it cannot be read.

    Raises
    ------
    ResultsError
        It is missing, no file, or not as it was written.
    """
    _refuse_damaged(path, again)
    with h5netcdf.File(path, "r") as file:
        yield file


def attributes(path: Path) -> dict[str, Any]:
    """Read the attributes of a result; none where it cannot be read."""
    try:
        with opened(path, "") as file:
            return dict(file.attrs)
    except ResultsError:
        return {}


def open_tree(path: Path, again: str) -> xr.DataTree:
    """Open a result as `opened` does; its arrays are read as they are used."""
    _refuse_damaged(path, again)
    return xr.open_datatree(path, engine=ENGINE)


def load_dataset(path: Path, again: str) -> xr.Dataset:
    """Read a result of one group as `opened` does."""
    _refuse_damaged(path, again)
    return xr.load_dataset(path, engine=ENGINE)


def refuse(path: Path, why: str, again: str) -> ResultsError:
    """Give the error of a result that cannot be used."""
    return ResultsError(f"{path}: cannot be read: {why}; {again} makes it again")


def _refuse_damaged(path: Path, again: str) -> None:
    try:
        found = path.stat()
        if not S_ISREG(found.st_mode):
            raise refuse(path, "it is not a file", again)
        damage = _damage(path, found.st_size, found.st_mtime_ns, found.st_ino)
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise refuse(path, getattr(error, "strerror", None) or str(error), again) from None
    if damage:
        raise refuse(path, damage, again)


@lru_cache(maxsize=4096)
def _damage(path: Path, size: int, *_version: int) -> str:
    """Say what is wrong with a file, once for each state of it; nothing where it is whole."""
    if size < END:
        return "it is cut short" if size else "it is empty"
    with path.open("rb") as file:
        sum_now = _sum(file, size - END)
        end = file.read()
    if not end.startswith(MARK):
        return NOT_OURS
    return "" if end == MARK + sum_now else CHANGED


def _sum(file: BinaryIO, size: int) -> bytes:
    """Compute the SHA-256 of the first bytes of a file, and stop behind them."""
    found = hashlib.sha256()
    while size > 0 and (block := file.read(min(size, BLOCK))):
        found.update(block)
        size -= len(block)
    return found.digest()
