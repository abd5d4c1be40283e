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
from data.formulas.lags import Lag, finder, lagged_column, with_lags
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
from data.tables.periods import periods_of, possible_rows, there_in
from data.tables.rules import is_missing
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
        Dyads of the modelled cities that have a row, but no outcome, no predictor or no past.
    absent : int
        Dyads of these cities that have no row: of a panel in each period from a city's first to its
        last.
    periods : tuple of str
        Those of a panel in their order.
    when : pandas.Series
        The position of each row's period among them, by the labels of the rows of both tables.
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
    absent: int = 0
    periods: tuple[str, ...] = ()
    when: pd.Series = field(default_factory=lambda: pd.Series(dtype=int))


@dataclass
class _Work:
    """The rows while they are made: what is found is added to."""

    tables: StudyTables
    declaration: Declaration
    declared: object
    table: pd.DataFrame
    cities: list[str]
    when: np.ndarray  # the position of each row's period; 0 where there are none
    periods: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    cautions: list[str] = field(default_factory=list)
    ends: Ends | None = None
    # of columns of earlier values, and of what is computed from these: the rows that have no past
    without_past: dict[str, np.ndarray] = field(default_factory=dict)

    @cached_property
    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """The positions of senders and of receivers among the cities, (dyad,) each."""
        columns, known = self.declaration.dyads, pd.Index(self.cities)
        sender, receiver = (
            known.get_indexer(pd.Index(self.table[column])) for column in columns.ends
        )
        return sender, receiver

    @property
    def number(self) -> int:
        """How many periods there are."""
        return max(1, len(self.periods))

    @cached_property
    def past(self) -> Callable[[Lag], np.ndarray]:
        """A lag to the positions of the rows that hold its values."""
        return finder(self.places, self.when, len(self.cities))

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
        periods = None
        if columns.period is not None:
            periods = periods_of(given[columns.period], columns.periods)
            given = given.assign(
                **{columns.period: periods.of_rows.map(dict(enumerate(periods.names)))}
            )
        refuse_ends(given, columns)
        if not columns.directed:
            given = pairs_of(given, columns)
        tables = replace(tables, dyads=given)
        names = () if periods is None else periods.names
        table, cities = completed(given, tables, declaration, names)
        table = table.copy()
        table[columns.outcome] = seen_outcome(given[columns.outcome], table.index, declaration)
    when = np.zeros(len(table), dtype=int)
    if names:  # before the column is read as the numbers that formulas may take it for
        when = pd.Index(names).get_indexer(pd.Index(table[columns.period]))
    work = _Work(tables, declaration, declared, table, cities, when, names)
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
            _add_lags(text, work)
            parsed = parse_expression(text, _known(work))
            _settle(work, parsed.names)
        _settle_cities(work, parsed.attributes)
        with work.at(place):
            work.table[name] = derived_column(name, text, parsed, work.table, work.ends)
        if past := [work.without_past[used] for used in parsed.names if used in work.without_past]:
            work.without_past[name] = np.logical_or.reduce(past)
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


def _add_lags(text: str, work: _Work) -> None:
    """Add the columns of earlier values that a formula asks for."""
    columns = work.declaration.dyads
    for lag in with_lags(text)[1]:
        if lag.name in work.without_past:
            continue
        if not work.periods:
            raise StudyError(
                f"{lag.name} is of an earlier period, and the dyads have none; name the column of "
                "periods under [dyads], period = ..."
            )
        if lag.reverse and not columns.directed:
            raise StudyError(f"{lag.name} is of directed dyads, and these are undirected")
        if lag.periods >= len(work.periods):
            raise StudyError(
                f"{lag.name} goes back {lag.periods} periods, and there are {len(work.periods)}"
            )
        if lag.column != columns.outcome:
            if lag.column not in work.table:
                known = [columns.outcome, *work.table.columns.drop(columns.outcome)]
                raise StudyError(
                    f"{lag.name}: no column '{lag.column}' of the dyads; "
                    f"{suggest(lag.column, known)}"
                )
            _settle(work, (lag.column,))
        places = work.past(lag)
        work.table[lag.name] = lagged_column(work.table[lag.column], places, lag.name)
        work.without_past[lag.name] = is_missing(work.table[lag.name]).to_numpy()


def _settle(work: _Work, names: tuple[str, ...]) -> None:
    """Decide of columns of dyads that are used whether they are numbers or text."""
    outcome, drop = work.declaration.dyads.outcome, work.declaration.dyads.missing == "drop"
    if outcome in names:
        raise StudyError(f"the outcome '{outcome}' cannot predict itself")
    for name in [name for name in names if name not in work.without_past]:
        if name != work.declaration.dyads.period:  # which rows that are filled in have too
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
            _add_lags(text, work)
            formula = parse_formula(text, _known(work))
            if work.periods and (of := dict(formula.calls).get("lag")) is not None:
                raise StudyError(
                    f"lag() takes the row above; write lagged({of}), of an earlier period"
                )
            _settle(work, formula.used)
        _settle_cities(work, formula.attributes)
        formulas[part] = formula
    return formulas


def shown(text: str) -> str:
    """Write a formula as a message quotes it."""
    return repr(text) if len(text) <= SHOWN else repr(f"{text[:SHOWN]}…")


def _with_predictors(work: _Work, formulas: Mapping[Part, ParsedFormula]) -> np.ndarray:
    """Tell which rows lack neither a predictor nor its past; say how many do."""
    lacking = np.zeros(len(work.table), dtype=bool)
    new = lacking.copy()
    for formula in formulas.values():
        present = tuple(name for name in formula.used if name not in work.without_past)
        lacking |= lacks(present, formula.node_calls, work.table, work.ends)
        for name in set(formula.used) & set(work.without_past):
            new |= work.without_past[name]
    if new.any():
        work.notes.append(
            f"{int(new.sum())} {work.declaration.dyads.many} have no past that the formulas ask "
            "for and are left out"
        )
    if lacking.any():
        _tell_lacking(work, lacking)
    return ~lacking & ~new


def _tell_lacking(work: _Work, lacking: np.ndarray) -> None:
    """Say how many rows lack a predictor, and which cities lose most of theirs."""
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
    there = there_in(_at(work.places, here), work.when[here], len(work.cities), work.number)
    inside = there[work.when, work.places[0]] & there[work.when, work.places[1]]
    left_out = int((inside & ~here).sum())
    absent = possible_rows(columns, there) - len(rows_kept) - left_out
    work.cautions += cautions_on(rows_kept, work.declaration, absent)
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
        absent,
        work.periods,
        pd.Series(work.when, table.index),
    )


def _at(ends: tuple[np.ndarray, np.ndarray], rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return ends[0][rows], ends[1][rows]
