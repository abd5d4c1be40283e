"""A part's linear predictor as one PyTensor operation, in one pass over the dyads.

PyTensor's own operations remain the reference that `tests/models/compiled/test_predictor.py` holds
it against. Numba compiles it; for JAX, import `models.compiled.in_jax`, which registers it there
too.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import xarray as xr
from pytensor import tensor as pt
from pytensor.graph.basic import Apply, Variable
from pytensor.link.numba.dispatch.basic import (
    numba_njit,
    register_funcify_default_op_cache_key,
)

from data.roles import Part, sides_of
from models.compiled import predictor_loops
from models.compiled.operation import Operation
from models.compiled.predictor_loops import add_up, predict, runs_of
from models.compiled.sources import source_key
from models.likelihood.arrays import Array
from models.predictor.linear import city_position, column_scale, offset

KEY = source_key(__file__, predictor_loops.__file__)


@dataclass(frozen=True)
class KnownOfDyads:
    """What a linear predictor needs to know of the dyads.

    Attributes
    ----------
    offset : numpy.ndarray
        Shape (dyad,).
    design : numpy.ndarray
        Shape (term, dyad): predictors less their means, in standard deviations.
    city_of : dict of str to numpy.ndarray
        By side, or by which of the two, the position of each dyad's city, shape (dyad,).
    """

    offset: np.ndarray
    design: np.ndarray
    city_of: dict[str, np.ndarray]
    cities: int

    @classmethod
    def of(cls, dyads: xr.Dataset, part: Part) -> Self:
        """Take it from the dyads of a study."""
        design = dyads[part.design].to_numpy()
        standardized = (design - design.mean(axis=0)) / column_scale(dyads, part).to_numpy()
        return cls(
            offset(dyads, part).to_numpy(),
            np.ascontiguousarray(standardized.T),
            {side: city_position(dyads, side) for side in sides_of(dyads.coords)},
            dyads.sizes["city"],
        )

    def in_order(self, order: np.ndarray | slice) -> Self:
        """Give the dyads another order: positions, (dyad,)."""
        if isinstance(order, slice):
            return self
        return replace(
            self,
            offset=self.offset[order],
            design=np.ascontiguousarray(self.design[:, order]),
            city_of={side: positions[order] for side, positions in self.city_of.items()},
        )


def predictor_of(
    known: KnownOfDyads,
    intercept: Array,
    coef: Array,
    of_city: Mapping[str, Array],
    factors: Sequence[Array] = (),
    *,
    fused: bool,
) -> Array:
    """Give the linear predictor of every dyad.

    Parameters
    ----------
    intercept, coef : tensor
        Shapes () and (term,).
    of_city : mapping of str to tensor
        For each side that has effects, these, shape (city,).
    factors : sequence of tensor
        Of senders and of receivers, (city, rank), whose products are added; or none.

    Returns
    -------
    tensor
        Shape (dyad,).
    """
    if fused and of_city:
        none = np.zeros(known.cities)
        sides = [side.T for side in factors] or [np.zeros((0, known.cities))] * 2
        return FusedPredictor()(
            *(intercept, coef, *(of_city.get(side, none) for side in known.city_of), *sides),
            *(known.offset, known.design),
            *(positions.astype(np.uint64) for positions in known.city_of.values()),
            runs_of(*known.city_of.values()),
        )
    total = intercept + known.offset
    if len(known.design):
        total = total + pt.dot(known.design.T, coef)
    for side, effect in of_city.items():
        total = total + effect[known.city_of[side]]
    if factors:
        both = zip(factors, known.city_of.values(), strict=True)
        sender, receiver = (side[positions] for side, positions in both)
        total = total + (sender * receiver).sum(axis=1)
    return total


class FusedPredictor(Operation):
    """Linear predictor of the dyads.

    Inputs: intercept (), coef (term), effects of senders and of receivers (city), factors of
    senders and of receivers (rank, city); then what is known: offset (dyad), design (term, dyad),
    positions of the sender and the receiver (dyad), runs of dyads (run, 5).
    Output: the linear predictor (dyad).
    """

    __props__ = ()
    parameters = 6
    dims = (1,)

    def _compute(self, *inputs: np.ndarray) -> list[np.ndarray]:
        intercept, *effects = inputs[: self.parameters]
        offset, *others = inputs[self.parameters :]
        out = np.empty(offset.size)
        effects = [np.ascontiguousarray(values) for values in effects]
        predict(float(intercept), *effects, offset, *others, out)
        return [out]

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:  # noqa: ARG002
        """Give the output's shape.

        Parameters
        ----------
        shapes : list of tuple
            The inputs' shapes.
        """
        return [shapes[self.parameters]]

    def _derivatives(
        self,
        inputs: Sequence[Variable],
        outputs: Sequence[Variable],  # noqa: ARG002 - they are added up over the dyads
        cotangent: Variable,
    ) -> list[Variable]:
        _, _, sender, _, *factors = inputs[: self.parameters]
        known = inputs[self.parameters + 1 :]
        return list(PredictorSlopes()(cotangent, *factors, *known, sender.shape[0]))


class PredictorSlopes(Operation):
    """Derivatives in the dyads' linear predictors, added up to those in what these are made of.

    Inputs: derivatives (dyad), factors of senders and of receivers (rank, city), design (term,
    dyad), positions of the sender and the receiver (dyad), runs of dyads (run, 5), the number of
    cities (). Outputs: derivatives in the intercept (), the coefficients (term), the effects of
    senders and of receivers (city), and their factors (rank, city).
    """

    __props__ = ()
    parameters = 0
    dims = (0, 1, 1, 1, 2, 2)

    def _compute(self, *inputs: np.ndarray) -> list[np.ndarray]:
        slopes, senders, receivers, design, *others, cities = inputs
        coef, sender, receiver = np.empty(len(design)), *np.empty((2, int(cities)))
        factors = [np.ascontiguousarray(side) for side in (senders, receivers)]
        of_factors = [np.empty_like(side) for side in factors]
        add_up(slopes, *factors, design, *others, coef, sender, receiver, *of_factors)
        return [np.asarray(sender.sum()), coef, sender, receiver, *of_factors]

    def infer_shape(self, node: Apply, shapes: list[Any]) -> list[Any]:
        """Give the outputs' shapes.

        Parameters
        ----------
        shapes : list of tuple
            The inputs' shapes.
        """
        cities = (node.inputs[-1],)
        return [(), (shapes[3][0],), cities, cities, shapes[1], shapes[2]]


@register_funcify_default_op_cache_key(FusedPredictor)
def _in_numba(op: FusedPredictor, **_: Any) -> Any:  # noqa: ARG001 - it has no properties
    @numba_njit
    def call(  # type: ignore[no-untyped-def]
        intercept,
        coef,
        sender,
        receiver,
        senders,
        receivers,
        offset,
        design,
        sender_of,
        receiver_of,
        runs,
    ):
        # contiguous, or the loops would not run in vector registers
        out = np.empty_like(offset)
        predict(
            *(intercept.item(), np.ascontiguousarray(coef), np.ascontiguousarray(sender)),
            *(np.ascontiguousarray(receiver), np.ascontiguousarray(senders)),
            *(np.ascontiguousarray(receivers), offset, design, sender_of, receiver_of, runs, out),
        )
        return out

    return call, KEY


@register_funcify_default_op_cache_key(PredictorSlopes)
def _slopes_in_numba(op: PredictorSlopes, **_: Any) -> Any:  # noqa: ARG001 - as above
    @numba_njit
    def call(  # type: ignore[no-untyped-def]
        slopes, senders, receivers, design, sender_of, receiver_of, runs, cities
    ):
        coef = np.empty(design.shape[0])
        sender, receiver = np.empty(cities.item()), np.empty(cities.item())
        of_senders, of_receivers = np.empty(senders.shape), np.empty(receivers.shape)
        add_up(
            *(np.ascontiguousarray(slopes), np.ascontiguousarray(senders)),
            *(np.ascontiguousarray(receivers), design, sender_of, receiver_of, runs),
            *(coef, sender, receiver, of_senders, of_receivers),
        )
        return np.asarray(sender.sum()), coef, sender, receiver, of_senders, of_receivers

    return call, KEY
