"""A study: a declaration and the tables that it names, of a folder or in memory."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import xarray as xr

from data.declaration import Declaration, Slopes, read_declaration
from data.dyads import dyads_dataset, taken_by_models, unobserved_dataset
from data.errors import StudyError, located, suggest
from data.files import DECLARED, read_bytes
from data.modelled import modelled
from data.roles import CITY, PARTS, SIDES, Part
from data.tables.study_tables import StudyTables, read_tables

POSITIONS = ("latitude", "longitude")


@dataclass(frozen=True)
class Study:
    """Directed dyads with what is declared of them.

    Attributes
    ----------
    name : str
        The declared name, else the folder's; results are kept under it.
    declaration : Declaration
        Title, columns, formulas, models and hypotheses.
    dyads : xarray.Dataset
        Counts, exposure and design matrices, as `data.dyads.dyads_dataset` lays them out.
    folder : pathlib.Path, optional
        Where it was read from; None for a study that was made in memory.
    unobserved : xarray.Dataset, optional
        Directed dyads whose outcome is missing, laid out alike: `analysis.predictions` predicts
        them.
    notes : tuple of str
        What was found out of the files, and what became of dyads without a row, an outcome or a
        predictor.
    cautions : tuple of str
        What a reader of results must know of the data.
    left_out : int
        Dyads of these cities that have a row, but no outcome, no predictor or no past.
    missing_dyads : int
        How many of the dyads among the cities, n (n - 1) or half of them, have no row; of a panel
        in every period from a city's first to its last.
    """

    name: str
    declaration: Declaration
    dyads: xr.Dataset
    folder: Path | None = None
    unobserved: xr.Dataset | None = None
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    left_out: int = 0
    missing_dyads: int = 0

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what a model takes; a fit made from anything else is out of date.

        Not of what is only shown: the title, hypotheses, the cities' positions.
        """
        declared = self.declaration
        whole = hashlib.sha256(declared.slopes.model_dump_json().encode())
        whole.update(declared.factors.model_dump_json().encode())
        for content in taken_by_models(self.dyads):
            whole.update(content)
        return whole.hexdigest()

    @cached_property
    def shown(self) -> str:
        """SHA-256 of what is shown and no model takes."""
        coords = self.dyads.coords
        positions = [coords[name].to_numpy().tolist() for name in POSITIONS if name in coords]
        predicted = [] if self.unobserved is None else self.unobserved["dyad"].to_numpy().tolist()
        content = [self.words, positions, predicted]
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()

    @property
    def words(self) -> dict[str, str]:
        """What it says of itself, as files of results hold it."""
        declared = self.declaration
        return {
            "title": declared.title,
            "declaration": declared.model_dump_json(),
            "synthetic": json.dumps(declared.synthetic),
            "notes": json.dumps(self.notes),
            "data_cautions": json.dumps(self.cautions),
        }

    @property
    def terms(self) -> dict[Part, list[str]]:
        """The terms of each part's formula."""
        return {part: self.dyads[part.term].to_numpy().tolist() for part in PARTS}


def read_study(folder: str | Path) -> Study:
    """Read and check a study folder.

    Parameters
    ----------
    folder : str or pathlib.Path
        A folder that holds a `study.toml` and the tables that it names.

    Returns
    -------
    Study
        The checked study.

    Raises
    ------
    StudyError
        Anything in the folder is missing, unreadable or unusable; the message is one line with
        the file, the rows or the key, and the remedy.
    """
    folder = Path(folder)
    if not folder.is_dir():
        problem = "is a file" if folder.exists() else "not found"
        raise StudyError(f"{folder}: {problem}; STUDY is a folder with a study.toml")
    declaration = declaration_of(folder)
    path = folder / "study.toml"
    tables = read_tables(folder, declaration)
    name = _name(declaration, folder)
    return replace(assembled(tables, declaration, name, path), folder=folder.resolve())


def declaration_of(folder: Path) -> Declaration:
    """Read what a study folder declares."""
    path = folder / "study.toml"
    with located(path):
        missing = "a study is a folder with a study.toml and a table of dyads"
        return read_declaration(read_bytes(path, DECLARED, StudyError, missing))


def study_name(folder: Path) -> str:
    """Give the name that the results of a study folder are kept under."""
    return _name(declaration_of(folder), folder)


def _name(declaration: Declaration, folder: Path) -> str:
    return declaration.name or folder.resolve().name


def assembled(tables: StudyTables, declaration: Declaration, name: str, declared: object) -> Study:
    """Make a study of its tables; what is no fault of a file is `declared`."""
    rows = modelled(tables, declaration, declared)
    declaration = declaration.model_copy(update={"synthetic": rows.synthetic})
    dyads = dyads_dataset(rows, declaration, declared)
    unobserved = unobserved_dataset(rows, declaration)
    told = (rows.notes, rows.cautions, rows.left_out, rows.absent)
    study = Study(name, declaration, dyads, None, unobserved, *told)
    with located(declared, StudyError):
        _refuse_slopes(study)
        for hypothesis in declaration.hypothesis:
            terms = study.terms[hypothesis.part]
            if hypothesis.term not in terms:
                raise StudyError(
                    f"hypothesis '{hypothesis.label}': '{hypothesis.term}' is no term of "
                    f"the {hypothesis.part} formula; {suggest(hypothesis.term, terms)}"
                )
    return study


def _refuse_slopes(study: Study) -> None:
    for part in PARTS:
        for role in part.all_roles:
            side = role.side
            for term in study.declaration.slopes.of(part).of(side):
                slope = f"slopes.{part}.{side}: '{term}'"
                if (side == CITY) == study.declaration.dyads.directed:
                    has = "sender and receiver" if side == CITY else CITY
                    raise StudyError(f"{slope}: slopes of these dyads vary by {has}")
                if term not in study.terms[part]:
                    raise StudyError(
                        f"{slope} is no term of the {part} formula; "
                        f"{suggest(term, study.terms[part])}"
                    )
                column = study.dyads[part.design].sel({part.term: term})
                spread = column.groupby(role.ends[0]).std()
                if len(role.ends) == 1 and float(spread.max()) <= 1e-12 * float(abs(column).max()):
                    raise StudyError(
                        f"{slope} is the same for all dyads of a {side}; a slope cannot be told "
                        f"from the {side}'s effect, so remove it"
                    )


def with_slopes(study: Study, slopes: Sequence[str]) -> Study:
    """Give a study random slopes in place of those that it declares."""
    chosen: dict[str, dict[str, list[str]]] = {}
    for slope in slopes:
        part, _, rest = slope.partition(":")
        side, _, term = rest.partition(":")
        known = part in PARTS and side in (*SIDES, CITY)
        if not (known and term and term.isprintable()):
            raise StudyError(f"slopes: '{slope}'; write part:side:term, as in degree:sender:near")
        chosen.setdefault(part, {}).setdefault(side, []).append(term)
    declaration = study.declaration.model_copy(update={"slopes": Slopes.model_validate(chosen)})
    changed = replace(study, declaration=declaration)
    with located("slopes"):
        _refuse_slopes(changed)
    return changed
