"""The likelihood as one PyTensor operation: values and derivatives in one pass over the dyads.

It computes what `Family.log_prob` computes as a graph, several times faster; the graph remains
the reference that `tests/models/compiled/test_log_prob.py` holds it against. Numba compiles it; for
JAX, import `models.compiled.in_jax`, which registers it there too.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from pytensor import tensor as pt
from pytensor.gradient import DisconnectedType, disconnected_type
from pytensor.graph.basic import Apply, Variable
from pytensor.link.numba.dispatch.basic import (
    numba_njit,
    register_funcify_default_op_cache_key,
)

from models.compiled.log_prob_loops import (
    KINDS,
    log_prob_and_slopes,
    positive_counts,
)
from models.compiled.operation import Operation
from models.likelihood.arrays import Array
from models.likelihood.families import Family

PARAMETERS = 3  # degree, selection, dispersion
# of the compiled code that PyTensor keeps on disk: raise it with every change of kernel_loops.py,
# fast_math.py or what they take from counts.py, and run `make clean`
VERSION = 6


class FusedLogProb(Operation):
    """Log-probability of counts that are known, with its derivatives.

    Inputs: degree (dyad), selection (dyad; empty where the family has none), dispersion ()
    (anything where the family has none); then the positive counts: positions, counts,
    -log count!, positions among the distinct counts, the distinct counts. Outputs: the
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

    def pullback(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],
        cotangents: Sequence[Variable],
    ) -> list[Variable]:
        """Differentiate by the outputs that are computed anyway."""
        if isinstance(cotangents[0].type, DisconnectedType):
            return [disconnected_type() for _ in inputs]
        _, by_degree, by_selection, by_dispersion = outputs
        weight = cotangents[0]
        selection = weight * by_selection if self.kind != "plain" else pt.zeros_like(inputs[1])
        dispersion = (weight * by_dispersion).sum() if self.has_dispersion else pt.zeros(())
        others = [disconnected_type() for _ in inputs[PARAMETERS:]]
        return [weight * by_degree, selection, dispersion, *others]


def fused_log_prob(
    family: Family, counts: np.ndarray, degree: Array, selection: Array, dispersion: Array
) -> Array:
    """Give the log-probability of counts that are known.

    Parameters
    ----------
    counts : numpy.ndarray of int
        Shape (dyad,).
    degree, selection, dispersion : tensor
        As in `models.likelihood.families`: shapes (dyad,), (dyad,) or None, () or None.

    Returns
    -------
    tensor
        Shape (dyad,); the same as ``family.log_prob``.
    """
    return FusedLogProb(family.kind, has_dispersion=family.has_dispersion)(
        degree,
        np.empty(0) if selection is None else selection,
        np.asarray(1.0) if dispersion is None else pt.as_tensor(dispersion).reshape(()),
        *positive_counts(counts),
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

    return call, VERSION
