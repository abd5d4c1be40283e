"""The likelihood of ties, successes and amounts as PyTensor operations.

They compute what `Family.log_prob` computes as a graph, several times faster; the graph remains the
reference that `tests/models/compiled/test_dense.py` holds them against. Numba compiles them; for
JAX, import `models.compiled.in_jax`, which registers them there too.
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

from models.compiled import dense_loops
from models.compiled.dense_loops import (
    BINOMIAL,
    dense_log_prob,
    pairs_log_density,
)
from models.compiled.dense_of_draws import codes_of, known_outcomes
from models.compiled.operation import Operation
from models.compiled.sources import source_key
from models.likelihood.arrays import Array
from models.likelihood.families import Family
from models.likelihood.observed import Observed

KEY = source_key(__file__, dense_loops.__file__)


class FusedDense(Operation):
    """Log-probability of outcomes, with its derivatives.

    Inputs: predictor (dyad), scale () (anything where the family has none); then outcome, trials
    and constant (dyad). Outputs: the log-probability, and its derivatives in the first two inputs
    (dyad).
    """

    __props__ = ("kind", "link")
    parameters = 2
    dims = (1, 1, 1)

    def __init__(self, kind: int, link: int) -> None:
        self.kind = kind
        self.link = link

    def _compute(self, *inputs: np.ndarray) -> list[np.ndarray]:
        predictor, scale, *known = inputs
        outputs = [np.empty(predictor.size) for _ in self.dims]
        dense_log_prob(self.kind, self.link, predictor, float(scale), *known, *outputs)
        return outputs

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:  # noqa: ARG002
        """Give the outputs' shapes.

        Parameters
        ----------
        shapes : list of tuple
            The inputs' shapes.
        """
        return [shapes[0]] * len(self.dims)

    def _derivatives(
        self,
        inputs: Sequence[Variable],  # noqa: ARG002 - the outputs hold the derivatives
        outputs: Sequence[Variable],
        cotangent: Variable,
    ) -> list[Variable]:
        _, slope, by_scale = outputs
        scale = pt.zeros(()) if self.kind == BINOMIAL else (cotangent * by_scale).sum()
        return [cotangent * slope, scale]


class FusedPairs(Operation):
    """Joint log-density of amounts whose residuals correlate between the two directions of a pair.

    Inputs: predictor (dyad), residual sd (), correlation (); then amount and kept, (dyad) in the
    order of `models.likelihood.amounts.by_pairs`, kept empty where no dyad is left out. Outputs:
    the log-density (), and its derivatives in the first three inputs.
    """

    __props__ = ("pairs",)
    parameters = 3
    dims = (0, 1, 0, 0)

    def __init__(self, pairs: int) -> None:
        self.pairs = pairs

    def _compute(self, *inputs: np.ndarray) -> list[np.ndarray]:
        predictor, sd, correlation, *known = inputs
        slope = np.empty(predictor.size)
        scalars = float(sd), float(correlation)
        value, *others = pairs_log_density(self.pairs, predictor, *scalars, *known, slope)
        return [np.asarray(value), slope, *map(np.asarray, others)]

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:  # noqa: ARG002
        """Give the outputs' shapes.

        Parameters
        ----------
        shapes : list of tuple
            The inputs' shapes.
        """
        return [(), shapes[0], (), ()]

    def _derivatives(
        self,
        inputs: Sequence[Variable],  # noqa: ARG002 - the outputs hold the derivatives
        outputs: Sequence[Variable],
        cotangent: Variable,
    ) -> list[Variable]:
        return [cotangent * slope for slope in outputs[1:]]


def fused_dense(
    family: Family,
    observed: Observed,
    predictor: Array,
    scale: Array,
    shared: Mapping[str, Array] | None = None,
) -> Array:
    """Give the log-probability of outcomes, the same as ``family.log_prob``.

    Parameters
    ----------
    predictor, scale : tensor
        Shapes (dyad,), and () or None.
    shared : mapping of str to tensor, optional
        Variables in place of the outcomes, by the names that
        `models.compiled.log_prob.data_of_outcomes` gives.
    """
    outcome, trials, constant = known_outcomes(family, observed)
    if shared:
        outcome, constant = shared["outcomes"], shared["outcomes_constant"]
    given = np.asarray(1.0) if scale is None else pt.as_tensor(scale).reshape(())
    return FusedDense(*codes_of(family))(predictor, given, outcome, trials, constant)[0]


def fused_pairs(
    pairs: int, predictor: Array, sd: Array, correlation: Array, amount: Array, kept: Array
) -> Array:
    """Give the joint log-density of amounts whose residuals correlate, as `FusedPairs` computes it.

    Parameters
    ----------
    pairs : int
        How many pairs have both directions.
    predictor, amount : tensor
        In the order of `models.likelihood.amounts.by_pairs`, shape (dyad,).
    kept : tensor or None
        0 for a dyad that is left out, 1 for the others; in the same order.
    """
    scalars = (pt.as_tensor(value).reshape(()) for value in (sd, correlation))
    known = amount, np.zeros(0) if kept is None else kept
    return FusedPairs(pairs)(predictor, *scalars, *known)[0]


@register_funcify_default_op_cache_key(FusedDense)
def _in_numba(op: FusedDense, **_: Any) -> Any:
    kind, link = op.kind, op.link

    @numba_njit
    def call(predictor, scale, outcome, trials, constant):  # type: ignore[no-untyped-def]
        predictor = np.ascontiguousarray(predictor)
        value, slope = np.empty_like(predictor), np.empty_like(predictor)
        by_scale = np.empty_like(predictor)
        dense_log_prob(
            *(kind, link, predictor, scale.item(), outcome, trials, constant),
            *(value, slope, by_scale),
        )
        return value, slope, by_scale

    return call, KEY


@register_funcify_default_op_cache_key(FusedPairs)
def _pairs_in_numba(op: FusedPairs, **_: Any) -> Any:
    pairs = op.pairs

    @numba_njit
    def call(predictor, sd, correlation, amount, kept):  # type: ignore[no-untyped-def]
        predictor, amount = np.ascontiguousarray(predictor), np.ascontiguousarray(amount)
        slope = np.empty_like(predictor)
        value, by_sd, by_correlation = pairs_log_density(
            *(pairs, predictor, sd.item(), correlation.item(), amount),
            *(np.ascontiguousarray(kept), slope),
        )
        return np.asarray(value), slope, np.asarray(by_sd), np.asarray(by_correlation)

    return call, KEY
