"""A comparison as one labelled tree, which its file holds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from analysis.comparison.errors import RULE
from analysis.comparison.inflation import Verdict
from analysis.fits.opening import AGAIN
from data.errors import ResultsError
from models.work.fits import decoded
from models.work.made_from import COMPARISONS, made_by
from models.work.netcdf import open_tree

if TYPE_CHECKING:
    from analysis.comparison.compare import Comparison  # which can refit, with all that this needs

WORDS = ("title", "synthetic")  # attributes that may be told anew
ML = "(ML)"  # behind the name of a row that is scored at maximum-likelihood estimates


@dataclass(frozen=True)
class Compared:
    """What was compared.

    Attributes
    ----------
    fits : mapping of str to str
        What each model's fit was made from, by its digest; the twins' too, which verdicts need.
    cities : int
        How many cities there are.
    """

    title: str
    synthetic: Sequence[str]
    priors: str
    study_digest: str
    fits: Mapping[str, str]
    cities: int

    @property
    def attributes(self) -> dict[str, str | int]:
        """The same as a file holds it, lists in JSON, with what compared."""
        return asdict(self) | {
            "synthetic": json.dumps(list(self.synthetic)),
            "fits": json.dumps(dict(self.fits)),
            "made_by": made_by(COMPARISONS),
            "errors": RULE,
        }


def comparison_tree(
    found: "Comparison", verdicts: Sequence[Verdict], compared: Compared
) -> xr.DataTree:
    """Put a comparison into one labelled tree.

    Returns
    -------
    xarray.DataTree
        A group a unit: ``elpd_i``, ``pareto_k`` and ``effective``, NaN where a unit was neither
        integrated nor refitted by draws (model, unit); each column of the unit's table
        (model), the best model first; ``draws`` (model), 1 for maximum likelihood. Attributes:
        those of `Compared`, and the sentences of ``verdicts``; lists are in JSON.
    """
    groups = {}
    for unit, rows in found.rows.items():
        table = found.tables[unit]
        models = [str(name) for name in table.index]
        pointwise = {
            name: xr.concat(
                [getattr(rows[model].estimate, name) for model in models],
                pd.Index(models, name="model"),
            )
            for name in ("elpd_i", "pareto_k")
        }
        labels = pointwise["elpd_i"][unit].to_numpy()
        effective = [rows[model].effective.reindex(labels).to_numpy(float) for model in models]
        pointwise["effective"] = xr.DataArray(effective, dims=("model", unit))
        columns = {str(name): ("model", _plain(column)) for name, column in table.items()}
        draws = [rows[model].estimate.n_samples for model in models]
        groups[unit] = xr.Dataset(pointwise | columns | {"draws": ("model", draws)})
    tree = xr.DataTree.from_dict(groups)
    sentences = [verdict.sentence for verdict in verdicts]
    tree.attrs = compared.attributes | {"verdicts": json.dumps(sentences)}
    return tree


def kept_comparison(
    path: Path,
    compared: Compared,
    models: Sequence[str],
    units: Sequence[str],
    *,
    refits: bool = True,
) -> xr.DataTree | None:
    """Read the comparison that a file holds, where it is the one that is asked for.

    Parameters
    ----------
    refits : bool
        Whether it must have reached every unit.

    Returns
    -------
    xarray.DataTree or None
        None where there is none that can be read, or where it is of other models, units, fits or
        data, or made by other sources. Its words may be older than those of ``compared``.
    """
    try:
        opened = open_tree(path, AGAIN)
    except ResultsError:
        return None
    with opened as tree:
        same = (
            not (refits and not_reached(tree))
            and list(tree.children) == list(units)
            and all(
                tree.attrs.get(name) == value
                for name, value in compared.attributes.items()
                if name not in WORDS
            )
            and all(_compared(tree, unit) == set(models) for unit in units)
        )
        return tree.load() if same else None


def compared_models(tree: xr.DataTree) -> list[str]:
    """List the models that were asked for, as their fits are named."""
    unit = next(iter(tree.children))
    asked = _compared(tree, unit)
    return [model for model in decoded(tree.attrs, "fits") if model in asked]


def _compared(tree: xr.DataTree, unit: str) -> set[str]:
    return {name for name in tree[unit]["model"].to_numpy().tolist() if not name.endswith(ML)}


def not_reached(tree: xr.DataTree) -> int:
    """Tell how many units were to be refitted, and were not."""
    return sum(int(comparison_table(tree, unit)["not_reached"].sum()) for unit in tree)


def comparison_table(tree: xr.DataTree, unit: str) -> pd.DataFrame:
    """Take one unit's table out of a comparison."""
    group = tree[unit].to_dataset()
    table = group.drop_dims(unit).to_dataframe()
    table.attrs["units"], table.attrs["cities"] = group.sizes[unit], int(tree.attrs["cities"])
    return table


def attribute(tree: xr.DataTree, name: str) -> tuple[str, ...]:
    """Read an attribute that holds a list, ``synthetic`` or ``verdicts``."""
    return tuple(decoded(tree.attrs, name))


def _plain(column: pd.Series) -> np.ndarray:
    numeric = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
    return column.to_numpy() if numeric else column.to_numpy(dtype=str)
