"""Where results are: every path of a study's results under one prior set, and what is current."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from data.errors import ResultsError
from data.files import DECLARED, read_bytes, refuse_unwritable, replacing
from data.study import Study, read_study
from models.settings import Settings
from models.work.fits import failed_path, fit_digest, is_current

if TYPE_CHECKING:
    from models.priors.prior_set import Priors


TAKEN = ("sbc", "benchmarks")  # folders beside those of studies
COMPARISON = "comparison.nc"  # beside the fits that it compares
PRIOR_FILE = "priors.txt"  # beside fits under a prior file: which one, relative to the results
OWNER = "study.json"  # in a study's folder: which study's, and what is shown of it


def prior_folder(results: Path, study: str, priors: str) -> Path:
    """Name the folder of a study's fits under one prior set, by their names alone."""
    return results / study / priors


def maximum_likelihood_path(results: Path, study: str, model: str) -> Path:
    """Name the file of a maximum-likelihood fit, which has no priors."""
    return results / study / "maximum_likelihood" / f"{model}.nc"


def refuse_other_study(results: Path, study: Study) -> dict[str, str]:
    """Keep the results of a study apart from those of another whose folder has the same name.

    A study is known by its folder, relative to the results, or by its data: one that has moved is
    the same, and so is one whose data were mended in place.

    Returns
    -------
    dict of str to str
        What the results say of their study from now on: ``folder``, ``digest``, ``shown``.

    Raises
    ------
    ResultsError
        The results are another study's, or other results are kept under its name.
    """
    if study.name in ("", *TAKEN):
        raise ResultsError(
            f"{study.folder}: a study cannot be named '{study.name}', for other results are kept "
            "under that name; write another name in study.toml"
        )
    folder = "" if study.folder is None else os.path.relpath(study.folder, results.resolve())
    owner = {"folder": folder, "digest": study.digest, "shown": study.shown}
    there = _owner(results, study.name)
    if there and there["folder"] != folder:
        first = os.path.normpath(results / there["folder"]) if there["folder"] else "memory"
        if there["digest"] != study.digest:
            raise ResultsError(
                f"{results / study.name}: holds results of another study of this name, that of "
                f'{first}; write name = "another" in study.toml, or choose another folder with '
                "RESULTS= or --results"
            )
        if there["folder"] and Path(first).is_dir():  # of which this is a copy
            owner["folder"] = there["folder"]
    return owner


def claim(results: Path, study: Study) -> None:
    """Say whose the results of a study are, before any is written; refuse another study's."""
    owner = refuse_other_study(results, study)
    if owner != _owner(results, study.name):
        path = results / study.name / OWNER
        refuse_unwritable(path.parent)
        with replacing(path) as temporary:
            temporary.write_text(json.dumps(owner), encoding="utf-8")


def refuse_other_priors(workspace: "Workspace") -> str:
    """Keep the fits under a prior file apart from those under another one of the same name.

    A file that has changed is the same file, and so is one that has moved.

    Returns
    -------
    str
        The prior file, relative to the results; empty for a set that is no file of the user's.

    Raises
    ------
    ResultsError
        The folder holds fits under another prior file, which is still there and differs.
    """
    results, file = workspace.results.resolve(), workspace.priors.own_file
    if file is None:
        return ""
    here, there = os.path.relpath(file.resolve(), results), _text_of(workspace.prior_file)
    if there and there != here:
        first = Path(os.path.normpath(results / there))
        if first.is_file() and first.read_bytes() != file.read_bytes():
            raise ResultsError(
                f"{workspace.folder}: holds fits under another prior file of this name, {first}; "
                "rename one of them, or choose another folder with RESULTS= or --results"
            )
    return here


def claim_priors(workspace: "Workspace") -> None:
    """Say which prior file the fits of a folder rest on; refuse another one of the same name."""
    here = refuse_other_priors(workspace)
    if here and here != _text_of(workspace.prior_file):
        with replacing(workspace.prior_file) as temporary:
            temporary.write_text(here, encoding="utf-8")


def _text_of(path: Path) -> str:
    try:
        return read_bytes(path, DECLARED, ResultsError, "none yet").decode()
    except (ResultsError, UnicodeDecodeError):
        return ""


def refuse_namesake(results: Path, folder: Path, name: str) -> None:
    """Refuse to take the results of another study for those of the one in a folder.

    Raises
    ------
    ResultsError
        The results under this name are those of a study in another folder, which is still there.
    """
    owner = _owner(results, name)
    here = os.path.relpath(folder.resolve(), results.resolve())
    if not owner or not owner["folder"] or owner["folder"] == here:
        return
    first = Path(os.path.normpath(results.resolve() / owner["folder"]))
    if first.is_dir() and read_study(folder).digest != owner["digest"]:
        raise ResultsError(f"{results / name}: holds results of another study, that of {first}")


def _owner(results: Path, name: str) -> dict[str, str]:
    """Read whose results there are; nothing where that is not known."""
    try:
        path = results / name / OWNER
        known = json.loads(read_bytes(path, DECLARED, ResultsError, "none yet"))
        return {name: str(known[name]) for name in ("folder", "digest", "shown")}
    except (ResultsError, ValueError, KeyError, TypeError, RecursionError):
        return {}


@dataclass(frozen=True)
class Workspace:
    """The results of a study under one prior set.

    Attributes
    ----------
    results : pathlib.Path
        The folder that all studies' results are kept in.
    """

    results: Path
    study: Study
    priors: "Priors"

    def under(self, priors: "Priors") -> "Workspace":
        """Give the same study's workspace under other priors."""
        return replace(self, priors=priors)

    @property
    def folder(self) -> Path:
        return prior_folder(self.results, self.study.name, self.priors.name)

    @property
    def study_folder(self) -> Path:
        """What holds for every prior set: hypotheses, report, tables."""
        return self.results / self.study.name

    @property
    def owner(self) -> Path:
        """What `claim` writes; it is younger than what shows older words of the study."""
        return self.study_folder / OWNER

    @property
    def prior_file(self) -> Path:
        """What `claim_priors` writes."""
        return self.folder / PRIOR_FILE

    @property
    def comparison(self) -> Path:
        return self.folder / COMPARISON

    @property
    def figures(self) -> Path:
        return self.folder / "figures"

    def fit(self, model: str) -> Path:
        """Name the file of a fit that passes the gate."""
        return self.folder / f"{model}.nc"

    def failed(self, model: str) -> Path:
        return failed_path(self.fit(model))

    def maximum_likelihood(self, model: str) -> Path:
        return maximum_likelihood_path(self.results, self.study.name, model)

    def left_out(self, model: str, unit: str, number: int) -> Path:
        """Name the file of an exact refit without one unit, by its place among all units."""
        return self.folder / "left_out" / model / unit / f"{number:06d}.nc"

    def digest(self, model: str, settings: Settings) -> str:
        """Identify what a fit is made from."""
        return fit_digest(self.study, self.priors, model, settings)

    def current(self, model: str, settings: Settings) -> Path | None:
        """Find the fit that would be made, whether it passed or not; None where there is none."""
        digest = self.digest(model, settings)
        files = self.fit(model), self.failed(model)
        return next((path for path in files if is_current(path, digest)), None)
