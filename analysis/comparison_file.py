"""A comparison as one labelled tree, which its file holds."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
import xarray as xr

from analysis.compare import Comparison
from analysis.inflation import Verdict


@dataclass(frozen=True)
class About:
    """What was compared.

    Attributes
    ----------
    title : str
        The study's title.
    synthetic : sequence of str
        Columns that are simulated.
    priors : str
        The prior set's name.
    study_digest : str
        Of the study's bytes.
    fits : mapping of str to str
        What each model's fit was made from, by its digest.
    """

    title: str
    synthetic: Sequence[str]
    priors: str
    study_digest: str
    fits: Mapping[str, str]


def comparison_tree(found: Comparison, verdicts: Sequence[Verdict], about: About) -> xr.DataTree:
    """Put a comparison into one labelled tree.

    Parameters
    ----------
    found : Comparison
        The tables and the pointwise estimates.
    verdicts : sequence of Verdict
        What is known of each zero-inflated model's inflation.
    about : About
        What was compared.

    Returns
    -------
    xarray.DataTree
        A group a unit: ``elpd_i`` and ``pareto_k`` (model, unit); each column of the unit's table
        (model), the best model first; ``draws`` (model), 1 for maximum likelihood. Attributes:
        those of `About`, and the sentences of ``verdicts``; lists are in JSON, as fits have them.
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
        columns = {str(name): ("model", _plain(column)) for name, column in table.items()}
        draws = [rows[model].estimate.n_samples for model in models]
        groups[unit] = xr.Dataset(pointwise | columns | {"draws": ("model", draws)})
    tree = xr.DataTree.from_dict(groups)
    sentences = [verdict.sentence for verdict in verdicts]
    tree.attrs = asdict(about) | {
        "synthetic": json.dumps(list(about.synthetic)),
        "fits": json.dumps(dict(about.fits)),
        "verdicts": json.dumps(sentences),
    }
    return tree


def comparison_table(tree: xr.DataTree, unit: str) -> pd.DataFrame:
    """Take one unit's table out of a comparison.

    Parameters
    ----------
    tree : xarray.DataTree
        What `comparison_tree` made.
    unit : str
        What is left out.

    Returns
    -------
    pandas.DataFrame
        As `analysis.compare.comparison` made it: a row a model, the best first.

    Notes
    -----
    Comparisons of earlier versions integrated nothing, and have no such column.
    """
    group = tree[unit].to_dataset()
    table = group.drop_dims(unit).to_dataframe()
    if "integrated" not in table:  # an earlier version refitted every unit that it treated
        table["integrated"] = 0
    table.attrs["units"] = group.sizes[unit]
    return table


def _plain(column: pd.Series) -> np.ndarray:
    numeric = pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)
    return column.to_numpy() if numeric else column.to_numpy(dtype=str)
