"""The tables of a study -> the rows that are modelled, and those to be predicted."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np
import pandas as pd

from data.declaration import Declaration
from data.errors import RowError, StudyError, located, suggest
from data.formulas.derived import derived_column, lacks
from data.formulas.grammar import ParsedFormula, parse_expression, parse_formula
from data.formulas.node_terms import Ends
from data.formulas.reader import Columns
from data.roles import PARTS, Part
from data.tables.absent import completed, refuse_absent, refuse_few, seen_outcome
from data.tables.cautions import cautions_on
from data.tables.dyad_table import (
    checked_exposures,
    checked_trials,
    refuse_constant,
    refuse_ends,
    settle_column,
)
from data.tables.matrix import Square, covariate_of_matrix, covariate_of_rows
from data.tables.sheet import refuse_lacking
from data.tables.study_tables import StudyTables
from data.tables.undirected import pairs_of, symmetric

SHOWN = 200  # characters of a formula in a message
MOST = 1 / 2  # of a city's dyads: one that loses more is named


@dataclass(frozen=True)
class Modelled:
    """The rows of a study.

    Attributes
    ----------
    table : pandas.DataFrame
        A row a directed dyad whose outcome is known: sender, receiver, outcome (int64), exposure
        where there is one, and the columns that formulas use, settled.
    ends : Ends or None
        The cities of these rows; None without a city table.
    unobserved : pandas.DataFrame
        Dyads whose outcome is missing, in the same columns but for the outcome.
    source : str
        What messages call the table.
    synthetic : tuple of str
        Columns that are simulated, those computed of such ones included.
    notes : tuple of str
        What became of dyads that have no row, no outcome or no predictor.
    cautions : tuple of str
        What a reader of the results must know of the data.
    left_out : int
        Dyads of the modelled cities that have a row, but no outcome or no predictor.
    """

    table: pd.DataFrame
    ends: Ends | None
    formulas: Mapping[Part, ParsedFormula]
    unobserved: pd.DataFrame
    source: str
    synthetic: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()
    left_out: int = 0


@dataclass
class _Work:
    """The rows while they are made: what is found is added to."""

    tables: StudyTables
    declaration: Declaration
    declared: object
    table: pd.DataFrame
    cities: list[str]
    notes: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    ends: Ends | None = None

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """The positions of senders and of receivers among the cities, (dyad,) each."""
        columns, known = self.declaration.dyads, pd.Index(self.cities)
        sender, receiver = (
            known.get_indexer(pd.Index(self.table[column])) for column in columns.ends
        )
        return sender, receiver

    @contextmanager
    def at(self, place: str) -> Iterator[None]:
        """Put the file before a fault of rows of dyads, and the declaration before any other."""
        with (
            located(self.declared, StudyError),
            located(self.tables.sources["dyads"], RowError),
            located(place, StudyError),
        ):
            yield


def modelled(tables: StudyTables, declaration: Declaration, declared: object) -> Modelled:
    """Complete, compute and sort out the rows of a study.

    Parameters
    ----------
    declared : object
        What messages call the declaration.
    """
    columns = declaration.dyads
    given = tables.dyads
    with located(tables.sources["dyads"]):
        refuse_ends(given, columns)
        if not columns.directed:
            given = pairs_of(given, columns)
            tables = replace(tables, dyads=given)
        table, cities = completed(given, tables, declaration)
        table = table.copy()
        table[columns.outcome] = seen_outcome(given[columns.outcome], table.index, declaration)
    work = _Work(tables, declaration, declared, table, cities)
    if filled := len(table) - len(given):
        work.notes.append(f"{filled} {columns.many} without a row are zeros")
    _add_cities(work)
    _add_matrices(work)
    synthetic = _add_predictors(work)
    _check("exposure", work, checked_exposures)
    outcome = table[columns.outcome]
    _check("trials", work, partial(checked_trials, outcome=outcome))
    formulas = _parse(work)
    kept = _with_predictors(work, formulas)
    return _sorted_out(work, formulas, kept, synthetic)


def _add_cities(work: _Work) -> None:
    """Find the two cities of each row in the city table, and where they lie."""
    cities, tables = work.tables.cities, work.tables
    if cities is None:
        return
    with located(tables.sources["cities"]):
        cities.of(work.cities)
        positions = cities.positions(work.cities) if cities.has_positions else {}
    without = len(cities.names) - len(work.cities)
    if without:
        has = "has no dyad and is" if without == 1 else "have no dyad and are"
        nouns = f"{work.declaration.nouns} of the city table"
        work.notes.append(f"{without} of the {nouns} {has} left out")
    work.ends = Ends(
        pd.DataFrame(index=pd.Index(work.cities)),
        *work.places,
        *(values.to_numpy() for values in positions.values()),
    )


def _add_matrices(work: _Work) -> None:
    i, j = work.places
    for name, given in work.tables.matrices.items():
        declared = work.declaration.matrices[name]
        with located(work.declared), located(f"[matrices] {name}"):
            _refuse_taken(name, work)
        with located(work.tables.sources[name]):
            if isinstance(given, Square):
                matrix = covariate_of_matrix(given, name, work.cities)
            else:
                absent = 0.0 if declared.absent == "zero" else np.nan
                named = (str(declared.sender), str(declared.receiver), str(declared.value))
                matrix = covariate_of_rows(given, *named, work.cities, absent)
            if not work.declaration.dyads.directed:
                matrix = symmetric(matrix, name)
        work.table[name] = matrix.to_numpy()[i, j]


def _refuse_taken(name: str, work: _Work) -> None:
    if name in work.table:
        raise StudyError(f"the dyads have a column '{name}' already; choose another name")


def _add_predictors(work: _Work) -> tuple[str, ...]:
    """Compute the predictors that are declared; say which columns are synthetic, these included."""
    synthetic = set(work.declaration.synthetic)
    for name, text in work.declaration.predictors.items():
        place = f"[predictors] {name} = {shown(text)}"
        with work.at(place):
            _refuse_taken(name, work)
            parsed = parse_expression(text, _known(work))
            _settle(work, parsed.names)
        _settle_cities(work, parsed.attributes)
        with work.at(place):
            work.table[name] = derived_column(name, text, parsed, work.table, work.ends)
        if synthetic & {*parsed.names, *parsed.attributes}:
            synthetic.add(name)
    attributes = work.tables.cities.attributes if work.tables.cities is not None else ()
    known = [*work.table.columns, *attributes]
    with located(work.declared):
        for column in work.declaration.synthetic:
            if column not in known:
                raise StudyError(
                    f"synthetic names '{column}', which is no column of "
                    f"{work.tables.sources['dyads']}; {suggest(column, known)}"
                )
    return (
        *work.declaration.synthetic,
        *sorted(synthetic - set(work.declaration.synthetic)),
    )


def _check(what: str, work: _Work, checked: Callable[[pd.Series], pd.Series]) -> None:
    """Read exposures or trials: a column of the dyads, a matrix or a predictor."""
    column = getattr(work.declaration.dyads, what)
    if column is None:
        return
    with located(work.tables.sources["dyads"]):
        refuse_lacking(work.table, work.declaration.dyads, [what], "[dyads]", "a dyad")
        refuse_absent(column, work.table, work.tables.dyads, work.declaration)
        work.table[column] = checked(work.table[column])


def _known(work: _Work) -> Columns:
    cities, directed = work.tables.cities, work.declaration.dyads.directed
    if cities is None:
        return Columns(tuple(work.table.columns), directed=directed)
    known = cities.attributes, cities.has_positions
    return Columns(tuple(work.table.columns), *known, directed=directed)


def _settle(work: _Work, names: tuple[str, ...]) -> None:
    """Decide of columns of dyads that are used whether they are numbers or text."""
    outcome, drop = work.declaration.dyads.outcome, work.declaration.dyads.missing == "drop"
    if outcome in names:
        raise StudyError(f"the outcome '{outcome}' cannot predict itself")
    for name in names:
        refuse_absent(name, work.table, work.tables.dyads, work.declaration)
        work.table[name] = settle_column(work.table[name], allow_missing=drop)


def _settle_cities(work: _Work, attributes: tuple[str, ...]) -> None:
    """Decide the same of attributes of cities."""
    if work.ends is None or work.tables.cities is None:
        return
    new = [name for name in attributes if name not in work.ends.cities]
    drop = work.declaration.dyads.missing == "drop"
    with located(work.tables.sources["cities"]):
        found = work.tables.cities.settled(new, work.cities, allow_missing=drop)
    for name in new:
        work.ends.cities[name] = found[name]


def _parse(work: _Work) -> dict[Part, ParsedFormula]:
    formulas = {}
    for part in PARTS:
        text = getattr(work.declaration.formula, part)
        with work.at(f"[formula] {part} = {shown(text)}"):
            formula = parse_formula(text, _known(work))
            _settle(work, formula.used)
        _settle_cities(work, formula.attributes)
        formulas[part] = formula
    return formulas


def shown(text: str) -> str:
    """Write a formula as a message quotes it."""
    return repr(text) if len(text) <= SHOWN else repr(f"{text[:SHOWN]}…")


def _with_predictors(work: _Work, formulas: Mapping[Part, ParsedFormula]) -> np.ndarray:
    """Tell which rows lack no predictor; say how many do."""
    lacking = np.zeros(len(work.table), dtype=bool)
    for formula in formulas.values():
        lacking |= lacks(formula.used, formula.node_calls, work.table, work.ends)
    if not lacking.any():
        return ~lacking
    columns = work.declaration.dyads
    count = int(lacking.sum())
    work.notes.append(f"{count} {columns.many} lack a predictor and are left out")
    ends = pd.concat([work.table[columns.sender], work.table[columns.receiver]])
    share = pd.Series(np.tile(lacking, 2)).groupby(ends.to_numpy()).mean()
    if len(most := share.index[share > MOST]):
        more = f" and {len(most) - 3} more" if len(most) > 3 else ""
        named = ", ".join(map(str, most[:3]))
        loses = "loses most of its dyads" if len(most) == 1 else "lose most of their dyads"
        work.cautions.append(
            f'{named}{more} {loses}, which lack a predictor (missing = "drop"): '
            f"{count} dyads are left out"
        )
    return ~lacking


def _sorted_out(
    work: _Work,
    formulas: Mapping[Part, ParsedFormula],
    kept: np.ndarray,
    synthetic: tuple[str, ...],
) -> Modelled:
    columns, table = work.declaration.dyads, work.table
    seen = table[columns.outcome].notna().to_numpy()
    used = dict.fromkeys(name for formula in formulas.values() for name in formula.used)
    names = [
        columns.sender,
        columns.receiver,
        *filter(None, [columns.exposure, columns.trials]),
        *used,
    ]
    unobserved = table.loc[kept & ~seen, list(dict.fromkeys(names))]
    if len(unobserved):
        work.notes.append(
            f"{len(unobserved)} {columns.many} have no '{columns.outcome}' and are predicted"
        )
    here = kept & seen
    rows_kept = table[here]
    with located(work.tables.sources["dyads"]):
        left = sorted({*rows_kept[columns.sender], *rows_kept[columns.receiver]})
        refuse_few(left, rows_kept)
        kinds = set(work.declaration.kinds)
        if any(kind.is_whole for kind in kinds):
            rows_kept = rows_kept.astype({columns.outcome: "int64"})
        trials = None if columns.trials is None else rows_kept[columns.trials]
        refuse_constant(rows_kept[columns.outcome], trials, kinds)
    inside = table[columns.sender].isin(left) & table[columns.receiver].isin(left)
    left_out = int((inside.to_numpy() & ~here).sum())
    work.cautions += cautions_on(rows_kept, work.declaration, left_out)
    return Modelled(
        rows_kept,
        None if work.ends is None else work.ends.take(here),
        formulas,
        unobserved,
        work.tables.sources["dyads"],
        synthetic,
        (*work.tables.notes, *work.notes),
        tuple(work.cautions),
        left_out,
    )
