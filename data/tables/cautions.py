"""Where an outcome looks like that of another kind of data than is declared."""

import numpy as np
import pandas as pd

from data.declaration import Declaration
from data.outcomes import AMOUNT


def cautions_on(table: pd.DataFrame, declaration: Declaration, absent: int) -> list[str]:
    """Say where an outcome looks like that of another kind of data than is declared.

    Parameters
    ----------
    absent : int
        How many dyads have no row.
    """
    columns, cautions = declaration.dyads, []
    count = table[columns.outcome].to_numpy()
    if (count > 0).all() and absent and AMOUNT not in declaration.kinds:
        cautions.append(
            f"no '{columns.outcome}' is 0, and {absent} {columns.many} "
            'have no row: if these are zeros, write absent = "zero" under [dyads]'
        )
    if "directed" in columns.model_fields_set or len(table) < 3:
        return cautions
    i, j = table[columns.sender].to_numpy(), table[columns.receiver].to_numpy()
    when = [] if columns.period is None else [table[columns.period].to_numpy()]
    there = pd.Series(count, pd.MultiIndex.from_arrays([i, j, *when]))
    back = there.reindex(pd.MultiIndex.from_arrays([j, i, *when])).to_numpy()
    both = ~np.isnan(back)
    if not both.any():
        looks = "each pair stands in one direction only"
    elif both.sum() >= 6 and (back[both] == count[both]).all() and len(set(count)) > 1:
        looks = f"every pair has the same '{columns.outcome}' in both directions"
    else:
        return cautions
    cautions.append(
        f"{looks}: the dyads look undirected, and models of directed dyads take the two directions "
        "for two facts; write directed = false under [dyads], or true if they are directed"
    )
    return cautions
