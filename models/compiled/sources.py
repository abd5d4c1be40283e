"""The key that compiled code is kept on disk by: a hash of the sources that it is made from.

Numba keeps a function by the date of its own file, and PyTensor by a number of ours; neither sees
that a file has changed from which the function takes others.
"""

import hashlib
from pathlib import Path
from types import ModuleType
from typing import Any

from models.compiled import fast_math
from models.likelihood import counts

TAKEN_FROM = (fast_math, counts)  # what the loops take functions and constants from


def source_key(*files: str) -> int:
    """Hash sources, and those that all loops take from.

    Parameters
    ----------
    *files : str
        Paths of the modules, as ``__file__`` has them.
    """
    paths = [*files, *map(_path, TAKEN_FROM)]
    whole = hashlib.sha256(b"\0".join(Path(path).read_bytes() for path in paths))
    return int.from_bytes(whole.digest()[:8])


def keep_by(key: int, *functions: Any) -> None:
    """Have numba keep functions that it compiles by this key, not by the date of their file."""
    for function in functions:
        # no public setting: the stamp beside which numba's index file lists what it has compiled
        function._cache._cache_file._source_stamp = key  # noqa: SLF001


def _path(module: ModuleType) -> str:
    return str(module.__file__)
