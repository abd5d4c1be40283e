"""A study: a folder with a declaration and a table of directed dyads."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd
import xarray as xr

from data.declaration import CityTable, Declaration, Slopes, read_declaration
from data.dyads import dyads_dataset, taken_by_models
from data.errors import RowError, StudyError, located, suggest
from data.files import DECLARED, TABULATED, read_bytes
from data.roles import PARTS, Part
from data.tables.city_table import city_positions
from data.tables.csv_rows import read_rows
from data.tables.dyad_table import check_table

POSITIONS = ("latitude", "longitude")


@dataclass(frozen=True)
class Study:
    """Directed dyads with what is declared of them.

    Attributes
    ----------
    name : str
        The folder's name; results are kept under it.
    declaration : Declaration
        Title, columns, formulas, models and hypotheses.
    dyads : xarray.Dataset
        Counts, exposure and design matrices, as `data.dyads.dyads_dataset` lays them out; where
        there is a city table, with the coordinates ``latitude`` and ``longitude`` along ``city``.
    folder : pathlib.Path, optional
        Where it was read from; None for a study that was made in memory.
    """

    name: str
    declaration: Declaration
    dyads: xr.Dataset
    folder: Path | None = None

    @cached_property
    def digest(self) -> str:
        """SHA-256 of what a model takes; a fit made from anything else is out of date.

        Not of what is only shown: the title, hypotheses, the cities' positions.
        """
        whole = hashlib.sha256(self.declaration.slopes.model_dump_json().encode())
        for content in taken_by_models(self.dyads):
            whole.update(content)
        return whole.hexdigest()

    @cached_property
    def shown(self) -> str:
        """SHA-256 of what is shown and no model takes."""
        coords = self.dyads.coords
        positions = [coords[name].to_numpy().tolist() for name in POSITIONS if name in coords]
        return hashlib.sha256(json.dumps([self.words, positions]).encode()).hexdigest()

    @property
    def words(self) -> dict[str, str]:
        """What it says of itself, as files of results hold it."""
        declared = self.declaration
        return {
            "title": declared.title,
            "declaration": declared.model_dump_json(),
            "synthetic": json.dumps(declared.synthetic),
        }

    @property
    def terms(self) -> dict[Part, list[str]]:
        """The terms of each part's formula."""
        return {part: self.dyads[part.term].to_numpy().tolist() for part in PARTS}

    @property
    def missing_dyads(self) -> int:
        """How many of the n (n - 1) directed dyads among the cities have no row."""
        cities = self.dyads.sizes["city"]
        return cities * (cities - 1) - self.dyads.sizes["dyad"]


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
    path = folder / "study.toml"
    with located(path):
        missing = "a study is a folder with a study.toml and a table of dyads"
        declaration = read_declaration(read_bytes(path, DECLARED, StudyError, missing))
    source = folder / declaration.dyads.file
    with located(source):
        content = read_bytes(source, TABULATED, StudyError, "[dyads] file in study.toml names it")
        table = check_table(read_rows(content, declaration.dyads, "a dyad"), declaration.dyads)
    study = _assemble(table, declaration, folder.resolve().name, source, path)
    if declaration.cities is not None:
        places = folder / declaration.cities.file
        with located(places):
            content = read_bytes(
                places, TABULATED, StudyError, "[cities] file in study.toml names it"
            )
            table = read_rows(content, declaration.cities, "a city")
            study = _placed(study, table, declaration.cities)
    return replace(study, folder=folder.resolve())


def study_from_table(
    table: pd.DataFrame, declaration: Declaration, name: str, cities: pd.DataFrame | None = None
) -> Study:
    """Make a study of tables that are in memory.

    Parameters
    ----------
    cities : pandas.DataFrame, optional
        A row a city, with the columns that the declaration's city table names. Without it, the
        study has no positions, whatever is declared.
    """
    with located(name):
        checked = check_table(_as_text(table), declaration.dyads)
    study = _assemble(checked, declaration, name, name)
    if cities is not None and declaration.cities is not None:
        with located(name):
            study = _placed(study, _as_text(cities), declaration.cities)
    return study


def _as_text(table: pd.DataFrame) -> pd.DataFrame:
    return table.astype(str).fillna("").astype(object).set_axis(range(2, len(table) + 2))


def _placed(study: Study, table: pd.DataFrame, columns: CityTable) -> Study:
    """Give a study the positions of its cities."""
    positions = city_positions(table, columns, study.dyads["city"].to_numpy().tolist())
    return replace(study, dyads=study.dyads.assign_coords(positions))


def _assemble(
    table: pd.DataFrame,
    declaration: Declaration,
    name: str,
    source: object,
    declared: object = "study.toml",
) -> Study:
    """Make a study of a checked table; its rows lie at `source`, all else is `declared`."""
    with located(declared, StudyError), located(source, RowError):
        for column in declaration.synthetic:
            if column not in table:
                raise StudyError(
                    f"synthetic names '{column}', which is no column of {source}; "
                    f"{suggest(column, table.columns)}"
                )
        study = Study(name, declaration, dyads_dataset(table, declaration))
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
        for side in ("sender", "receiver"):
            for term in study.declaration.slopes.of(part).of(side):
                slope = f"slopes.{part}.{side}: '{term}'"
                if term not in study.terms[part]:
                    raise StudyError(
                        f"{slope} is no term of the {part} formula; "
                        f"{suggest(term, study.terms[part])}"
                    )
                column = study.dyads[part.design].sel({part.term: term})
                spread = column.groupby(side).std()
                if float(spread.max()) <= 1e-12 * float(abs(column).max()):
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
        known = part in PARTS and side in ("sender", "receiver")
        if not (known and term and term.isprintable()):
            raise StudyError(f"slopes: '{slope}'; write part:side:term, as in degree:sender:near")
        chosen.setdefault(part, {}).setdefault(side, []).append(term)
    declaration = study.declaration.model_copy(update={"slopes": Slopes.model_validate(chosen)})
    changed = replace(study, declaration=declaration)
    with located("slopes"):
        _refuse_slopes(changed)
    return changed
