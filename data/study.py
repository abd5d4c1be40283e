"""A study: a folder with a declaration and a table of directed dyads."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import xarray as xr

from data.declaration import CityTable, Declaration, Slopes, read_declaration
from data.dyads import dyads_dataset
from data.errors import RowError, StudyError, located, suggest
from data.files import read_bytes
from data.roles import PARTS, Part
from data.tables.city_table import city_positions
from data.tables.csv_rows import read_rows
from data.tables.dyad_table import check_table


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
    digest : str
        SHA-256 of declaration and tables; a fit made from other bytes is out of date.
    """

    name: str
    declaration: Declaration
    dyads: xr.Dataset
    digest: str

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
        files = [read_bytes(path, StudyError, missing)]
        declaration = read_declaration(files[0])
    source = folder / declaration.dyads.file
    with located(source):
        files.append(read_bytes(source, StudyError, "[dyads] file in study.toml names it"))
        table = check_table(read_rows(files[1], declaration.dyads, "a dyad"), declaration.dyads)
    study = _assemble(table, declaration, folder.resolve().name, source, path)
    if declaration.cities is not None:
        places = folder / declaration.cities.file
        with located(places):
            files.append(read_bytes(places, StudyError, "[cities] file in study.toml names it"))
            table = read_rows(files[2], declaration.cities, "a city")
            study = _placed(study, table, declaration.cities)
    return replace(study, digest=hashlib.sha256(b"\0".join(files)).hexdigest())


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
    content = declaration.model_dump_json() + table.to_csv(index=False)
    if cities is not None and declaration.cities is not None:
        with located(name):
            study = _placed(study, _as_text(cities), declaration.cities)
        content += cities.to_csv(index=False)
    return replace(study, digest=hashlib.sha256(content.encode()).hexdigest())


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
        study = Study(name, declaration, dyads_dataset(table, declaration), digest="")
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
        if part not in PARTS or side not in ("sender", "receiver") or not term:
            raise StudyError(f"slopes: '{slope}'; write part:side:term, as in degree:sender:near")
        chosen.setdefault(part, {}).setdefault(side, []).append(term)
    declaration = study.declaration.model_copy(update={"slopes": Slopes.model_validate(chosen)})
    digest = hashlib.sha256(f"{study.digest} {declaration.slopes!r}".encode()).hexdigest()
    changed = replace(study, declaration=declaration, digest=digest)
    with located("slopes"):
        _refuse_slopes(changed)
    return changed
