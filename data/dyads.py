"""Formulas and a checked table -> design matrices, in one xarray.Dataset."""

import re
import warnings

import numpy as np
import pandas as pd
import xarray as xr
from formulaic import Formula, SimpleFormula
from formulaic.errors import FormulaicError
from scipy.linalg import qr

from data.declaration import PARTS, Declaration, Part
from data.errors import StudyError, rows, suggest
from data.table import settle_column


def dyads_dataset(table: pd.DataFrame, declaration: Declaration, name: str) -> xr.Dataset:
    """Lay out checked dyads as one labelled dataset.

    Parameters
    ----------
    table : pandas.DataFrame
        Checked rows, one a directed dyad, as `read_table` returns them.
    declaration : Declaration
        The study's columns and formulas.
    name : str
        What messages call the table, its path where it has one.

    Returns
    -------
    xarray.Dataset
        Variables ``count`` (dyad), ``log_exposure`` (dyad; natural log, 0 without an exposure),
        ``<part>_design`` (dyad, <part>_term; the formula's columns on its own scale, without the
        intercept). Coordinates ``city`` (sorted), ``pair`` (of two cities that share a row), and,
        along ``dyad``, ``sender``, ``receiver`` and ``dyad_pair``.

    Raises
    ------
    StudyError
        A formula does not parse, names an unknown column, or gives a missing, infinite, constant
        or collinear predictor.
    """
    columns = declaration.dyads
    sender, receiver = (
        table[each].to_numpy(dtype=str) for each in (columns.sender, columns.receiver)
    )
    pairs = np.array(
        [" & ".join(sorted(two)) for two in zip(sender, receiver, strict=True)], dtype=str
    )
    exposure = (
        np.ones(len(table)) if columns.exposure is None else table[columns.exposure].to_numpy()
    )
    dataset = xr.Dataset(
        {
            "count": ("dyad", table[columns.outcome].to_numpy()),
            "log_exposure": ("dyad", np.log(exposure)),
        },
        coords={
            "dyad": [f"{i} -> {j}" for i, j in zip(sender, receiver, strict=True)],
            "city": np.unique(np.concatenate([sender, receiver])),
            "pair": np.unique(pairs),
            "sender": ("dyad", sender),
            "receiver": ("dyad", receiver),
            "dyad_pair": ("dyad", pairs),
        },
    )
    for part in PARTS:
        design = _design(getattr(declaration.formula, part), table, declaration, part, name)
        dataset[f"{part}_design"] = xr.DataArray(
            design.to_numpy(dtype=float),
            dims=("dyad", f"{part}_term"),
            coords={f"{part}_term": design.columns.to_numpy(dtype=str)},
        )
    return dataset


def _design(
    formula: str, table: pd.DataFrame, declaration: Declaration, part: Part, name: str
) -> pd.DataFrame:
    where = f"study.toml: [formula] {part} = {formula!r}"
    if _mentions(formula, declaration.dyads.outcome):
        raise StudyError(
            f"{where}: the outcome '{declaration.dyads.outcome}' cannot predict itself"
        )
    used = [column for column in table.columns if _mentions(formula, column)]
    settled = table.assign(**{column: settle_column(table[column], name) for column in used})
    try:
        parsed = Formula(formula)
    except (FormulaicError, SyntaxError) as error:
        raise StudyError(f"{where}: does not parse: {_one_line(error)}") from None
    if not isinstance(parsed, SimpleFormula):
        raise StudyError(f"{where}: write one right-hand side, without '~' or '|'")
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore", RuntimeWarning)  # what it leads to is refused below
            matrix = parsed.get_model_matrix(settled, context={}, na_action="ignore")
    except Exception as error:  # noqa: BLE001 - formulas hold Python expressions: anything can be raised
        raise StudyError(f"{where}: {_cause(error, table)}") from None
    design = pd.DataFrame(matrix)
    if "Intercept" not in design:
        raise StudyError(f"{where}: removes the intercept; every part has one, so take it back")
    design = design.drop(columns="Intercept").astype(float)
    _refuse_unusable(design, where, name)
    return design


def _mentions(formula: str, column: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(column)}(?![\w(])", formula) is not None


def _one_line(error: BaseException) -> str:
    plain = re.sub(r"\x1b\[[0-9;]*m|⧛\[[0-9;]*m|⧚", "", str(error))
    return " ".join(plain.split())


def _cause(error: BaseException, table: pd.DataFrame) -> str:
    text = _one_line(error)
    unknown = re.search(r"name '(.+?)' is not defined|`([^`]+)` is not present", text)
    if unknown is None:
        return f"cannot be computed: {text}"
    name = unknown[1] or unknown[2]
    return f"'{name}' is no column of the table and no function; {suggest(name, table.columns)}"


def _refuse_unusable(design: pd.DataFrame, where: str, name: str) -> None:
    if design.empty:
        return
    bad = pd.DataFrame(~np.isfinite(design.to_numpy()), design.index, design.columns)
    if bad.to_numpy().any():
        term = str(bad.any().idxmax())
        at = rows([int(row) for row in bad.index[bad[term]]])
        raise StudyError(f"{name}: {at}: the predictor '{term}' is missing or infinite")
    spread = design.std(ddof=1)
    constant = spread.index[~(spread > 1e-12 * (design.abs().max() + 1e-300))]
    if len(constant):
        raise StudyError(f"{where}: the predictor '{constant[0]}' is constant; remove it")
    standard = ((design - design.mean()) / spread).to_numpy()
    _, triangle, order = qr(standard, mode="economic", pivoting=True)
    size = np.abs(np.diag(triangle))
    dependent = order[: len(size)][size < 1e-8 * size[0]].tolist() + order[len(size) :].tolist()
    if dependent:
        others = [column for column in order if column not in dependent]
        weights = np.linalg.lstsq(standard[:, others], standard[:, dependent[0]], rcond=None)[0]
        named = [str(design.columns[others[k]]) for k in np.flatnonzero(np.abs(weights) > 1e-6)]
        raise StudyError(
            f"{where}: the predictor '{design.columns[dependent[0]]}' is collinear with "
            f"{', '.join(named)}; remove one"
        )
