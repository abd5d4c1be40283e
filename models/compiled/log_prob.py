"""The likelihood as one PyTensor operation: values and derivatives in one pass over the dyads.

It computes what `Family.log_prob` computes as a graph, several times faster; the graph remains
the reference that `tests/models/compiled/test_log_prob.py` holds it against. Numba compiles it; for
JAX, import `models.compiled.in_jax`, which registers it there too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pytensor import tensor as pt
from pytensor.graph.basic import Apply, Variable
from pytensor.link.numba.dispatch.basic import (
    numba_njit,
    register_funcify_default_op_cache_key,
)

from data.outcomes import COUNT
from models.compiled import log_prob_loops
from models.compiled.dense_of_draws import known_outcomes
from models.compiled.log_prob_loops import (
    KINDS,
    log_prob_and_slopes,
    positive_counts,
)
from models.compiled.operation import Operation
from models.compiled.sources import source_key
from models.likelihood.arrays import Array
from models.likelihood.families import Family
from models.likelihood.observed import Observed

KEY = source_key(__file__, log_prob_loops.__file__)
PARAMETERS = 3  # degree, selection, dispersion
# what the loops need of counts, as data of a model, and whether it holds whole numbers
OF_COUNTS = {
    "counts_at": True,
    "counts_positive": False,
    "counts_constant": False,
    "counts_slot": True,
    "counts_distinct": True,
}


class FusedLogProb(Operation):
    """Log-probability of counts, with its derivatives.

    Inputs: degree (dyad), selection (dyad; empty where the family has none), dispersion ()
    (anything where the family has none); then the positive counts: positions, counts,
    -log count!, positions among the distinct counts, the distinct counts. A position beyond the
    dyads is that of no count, so that these inputs can be longer than need be. Outputs: the
    log-probability, and its derivatives in the first three inputs (dyad).
    """

    __props__ = ("kind", "has_dispersion")
    parameters = PARAMETERS
    dims = (1,) * (1 + PARAMETERS)

    def __init__(self, kind: str, *, has_dispersion: bool) -> None:
        self.kind = kind
        self.has_dispersion = has_dispersion

    def _compute(self, *inputs: np.ndarray) -> list[np.ndarray]:
        degree, selection, dispersion, *known = inputs
        outputs = [np.empty(like.size) for like in (degree, degree, selection, degree)]
        log_prob_and_slopes(
            *(KINDS[self.kind], self.has_dispersion, degree, selection, float(dispersion)),
            *(*known, *outputs),
        )
        return outputs

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:  # noqa: ARG002
        """Give the outputs' shapes.

        Parameters
        ----------
        shapes : list of tuple
            The inputs' shapes.
        """
        return [shapes[0], shapes[0], shapes[1], shapes[0]]

    def _derivatives(
        self, inputs: Sequence[Variable], outputs: Sequence[Variable], cotangent: Variable
    ) -> list[Variable]:
        _, by_degree, by_selection, by_dispersion = outputs
        selection = cotangent * by_selection if self.kind != "plain" else pt.zeros_like(inputs[1])
        dispersion = (cotangent * by_dispersion).sum() if self.has_dispersion else pt.zeros(())
        return [cotangent * by_degree, selection, dispersion]


def data_of_outcomes(family: Family, observed: Observed) -> dict[str, np.ndarray]:
    """Give a model's data that follow from outcomes, for models whose outcomes can be exchanged.

    Returns
    -------
    dict of str to numpy.ndarray
        ``outcomes`` and what the compiled loops take from them, by the names of the model's data;
        each of shape (dyad,), so that all outcomes fit, and of floats.
    """
    outcome = observed.outcome
    found = {"outcomes": outcome.astype(float)}
    if family.outcome is not COUNT:
        return found | {"outcomes_constant": known_outcomes(family, observed)[2]}
    for name, values in zip(OF_COUNTS, positive_counts(outcome), strict=True):
        # beyond the last positive count: the position of no dyad, the first slot, zeros
        found[name] = np.full(outcome.size, float(outcome.size) if name == "counts_at" else 0.0)
        found[name][: values.size] = values
    return found


def fused_log_prob(
    family: Family,
    counts: np.ndarray | Mapping[str, Array],
    degree: Array,
    selection: Array,
    dispersion: Array,
) -> Array:
    """Give the log-probability of counts.

    Parameters
    ----------
    counts : numpy.ndarray of int, or mapping of str to tensor
        Shape (dyad,); or variables by the names that `data_of_outcomes` gives.
    degree, selection, dispersion : tensor
        As in `models.likelihood.families`: shapes (dyad,), (dyad,) or None, () or None.

    Returns
    -------
    tensor
        Shape (dyad,); the same as ``family.log_prob``.
    """
    known = (
        positive_counts(counts)
        if isinstance(counts, np.ndarray)
        else [
            pt.cast(counts[name], "int64") if is_whole else counts[name]
            for name, is_whole in OF_COUNTS.items()
        ]
    )
    return FusedLogProb(family.kind, has_dispersion=bool(family.scale))(
        degree,
        np.empty(0) if selection is None else selection,
        np.asarray(1.0) if dispersion is None else pt.as_tensor(dispersion).reshape(()),
        *known,
    )[0]


@register_funcify_default_op_cache_key(FusedLogProb)
def _in_numba(op: FusedLogProb, **_: Any) -> Any:
    kind, has_dispersion = KINDS[op.kind], op.has_dispersion

    @numba_njit
    def call(  # type: ignore[no-untyped-def]
        degree, selection, dispersion, at, count, constant, slot, distinct
    ):
        # contiguous, or the loops would not run in vector registers
        degree, selection = np.ascontiguousarray(degree), np.ascontiguousarray(selection)
        value, by_degree = np.empty_like(degree), np.empty_like(degree)
        by_selection, by_dispersion = np.empty_like(selection), np.empty_like(degree)
        log_prob_and_slopes(
            *(kind, has_dispersion, degree, selection, dispersion.item()),
            *(at, count, constant, slot, distinct),
            *(value, by_degree, by_selection, by_dispersion),
        )
        return value, by_degree, by_selection, by_dispersion

    return call, KEY
