"""The operations of `models.compiled.log_prob` and `models.compiled.predictor` in JAX.

To import this module is to register them with PyTensor.

The formulas of counts are those of `models.compiled.log_prob_loops`, those of other outcomes the
families' own. JAX compiles
array expressions, so every dyad is computed both as a zero and as a positive count, which shares
nearly all of it, and the right one is taken. A sampler that is written in JAX differentiates the
log-probability itself; it is given the derivatives in closed form, for JAX would differentiate both
sides of every `where`, and what is infinite on the side that is not taken would end as NaN.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import gammaln, log_ndtr
from pytensor.graph.basic import Constant
from pytensor.link.jax.dispatch import jax_funcify

from models.compiled.dense import FusedDense, FusedPairs
from models.compiled.dense_of_draws import codes_of, is_dense
from models.compiled.fast_math import LARGEST_EXPONENT
from models.compiled.log_prob import PARAMETERS, FusedLogProb
from models.compiled.log_prob_loops import TINY
from models.compiled.predictor import FusedPredictor, PredictorSlopes
from models.likelihood.amounts import joint_density
from models.likelihood.arrays import Arrays
from models.likelihood.counts import log_rising
from models.likelihood.families import FAMILIES

JAX = Arrays(
    exp=jnp.exp,
    log=jnp.log,
    log1p=jnp.log1p,
    expm1=jnp.expm1,
    gammaln=gammaln,
    softplus=jax.nn.softplus,
    sigmoid=jax.nn.sigmoid,
    log_ndtr=log_ndtr,
    where=jnp.where,
    cumsum=jnp.cumsum,
    concatenate=jnp.concatenate,
    zeros_like=jnp.zeros_like,
)

# of the log-probability: its value, and its derivatives in degree, selection and dispersion
Three = tuple[jax.Array, jax.Array, jax.Array]
Four = tuple[jax.Array, jax.Array, jax.Array, jax.Array]
Function = Callable[[jax.Array, jax.Array, jax.Array], Four]


@dataclass(frozen=True)
class Known:
    """What is known of counts.

    Attributes
    ----------
    count, constant : array of float
        Shape (dyad,): the count, and -log count!.
    slot : array of int
        Shape (dyad,): the position of the count among the distinct ones.
    distinct : array of int
        NumPy's where the counts are known when the code is compiled, JAX's where they are an input.
    """

    count: Any
    constant: Any
    slot: Any
    distinct: Any


@jax_funcify.register(FusedLogProb)
def _in_jax(op: FusedLogProb, node: Any, **_: Any) -> Callable[..., Four]:
    constants = [value for value in node.inputs[PARAMETERS:] if isinstance(value, Constant)]
    known_now = [np.asarray(value.data) for value in constants]

    def call(degree: jax.Array, selection: jax.Array, dispersion: Any, *given: Any) -> Four:
        dyads = degree.shape
        if len(known_now) == len(given):
            at, count, constant, slot, distinct = known_now
            none, first = np.zeros(dyads), np.zeros(dyads, int)
            known = Known(none, none.copy(), first, np.r_[0, distinct])
            known.count[at], known.constant[at], known.slot[at] = count, constant, slot + 1
        else:
            at, count, constant, slot, distinct = given
            spread = [
                jnp.zeros(dyads, values.dtype).at[at].set(values, mode="drop")
                for values in (count, constant, slot + 1)
            ]
            every = jnp.concatenate([jnp.zeros(1, distinct.dtype), distinct])
            known = Known(spread[0], spread[1], spread[2], every)
        all_four = with_derivatives(op.kind, known, has_dispersion=op.has_dispersion)
        inputs = degree, selection, jnp.asarray(dispersion, degree.dtype)
        return differentiable(all_four)(*inputs), *all_four(*inputs)[1:]

    return call


@jax_funcify.register(FusedDense)
def _dense_in_jax(op: FusedDense, **_: Any) -> Callable[..., Any]:
    dense = [family for family in FAMILIES.values() if is_dense(family)]
    family = next(family for family in dense if codes_of(family) == (op.kind, op.link))

    def call(predictor: jax.Array, scale: Any, outcome: Any, trials: Any, _: Any) -> Any:
        number = np.asarray(trials).astype(np.int64)

        def value(predictor: jax.Array, scale: jax.Array) -> jax.Array:
            degree, selection = (None, predictor) if family.link else (predictor, None)
            found = family.log_prob(outcome, degree, selection, scale, number, JAX)
            return jnp.asarray(found)

        given = jnp.asarray(scale, predictor.dtype)
        ones, none = jnp.ones_like(predictor), jnp.zeros_like(given)
        found, slope = jax.jvp(value, (predictor, given), (ones, none))
        by_scale = jax.jvp(value, (predictor, given), (jnp.zeros_like(predictor), none + 1))[1]
        return found, slope, by_scale

    return call


@jax_funcify.register(FusedPairs)
def _pairs_in_jax(op: FusedPairs, **_: Any) -> Callable[..., Any]:
    def call(predictor: jax.Array, sd: Any, correlation: Any, amount: Any, kept: Any) -> Any:
        dyads, pairs = predictor.size, op.pairs
        other = np.full(dyads, -1)
        other[:pairs], other[pairs : 2 * pairs] = np.arange(pairs) + pairs, np.arange(pairs)
        there = kept if kept.size else jnp.ones(dyads)

        def value(predictor: jax.Array, sd: jax.Array, correlation: jax.Array) -> jax.Array:
            known = amount, other, there, JAX
            return jnp.asarray(joint_density(predictor, sd, correlation, *known))

        moved = predictor, jnp.asarray(sd), jnp.asarray(correlation)
        return value(*moved), *jax.grad(value, argnums=(0, 1, 2))(*moved)

    return call


@jax_funcify.register(FusedPredictor)
def _predictor_in_jax(op: FusedPredictor, **_: Any) -> Callable[..., jax.Array]:  # noqa: ARG001
    def call(
        intercept: jax.Array,
        coef: jax.Array,
        sender: jax.Array,
        receiver: jax.Array,
        senders: jax.Array,
        receivers: jax.Array,
        *known: jax.Array,
    ) -> jax.Array:
        offset, design, sender_of, receiver_of, _ = known
        total = intercept + offset + coef @ design + sender[sender_of] + receiver[receiver_of]
        return total + (senders[:, sender_of] * receivers[:, receiver_of]).sum(axis=0)

    return call


@jax_funcify.register(PredictorSlopes)
def _slopes_in_jax(op: PredictorSlopes, node: Any, **_: Any) -> Callable[..., Any]:  # noqa: ARG001
    cities = node.inputs[-1]
    if not isinstance(cities, Constant):
        raise NotImplementedError("the linear predictor in JAX takes cities that are known")

    def call(
        slopes: jax.Array,
        senders: jax.Array,
        receivers: jax.Array,
        design: jax.Array,
        sender_of: jax.Array,
        receiver_of: jax.Array,
        *_: Any,
    ) -> tuple[jax.Array, ...]:
        none = jnp.zeros(int(cities.data), slopes.dtype)
        by_city = (none.at[city].add(slopes) for city in (sender_of, receiver_of))
        of_senders = slopes * receivers[:, receiver_of]
        of_receivers = slopes * senders[:, sender_of]
        return (
            *(slopes.sum(), design @ slopes, *by_city),
            jnp.zeros_like(senders).at[:, sender_of].add(of_senders),
            jnp.zeros_like(receivers).at[:, receiver_of].add(of_receivers),
        )

    return call


def differentiable(all_four: Function) -> Callable[..., jax.Array]:
    """Give a log-probability that JAX differentiates by the derivatives in closed form.

    Returns
    -------
    callable
        ``(degree, selection, dispersion)`` to the log-probability (dyad,).
    """

    @jax.custom_jvp
    def value(degree: jax.Array, selection: jax.Array, dispersion: jax.Array) -> jax.Array:
        return all_four(degree, selection, dispersion)[0]

    @value.defjvp
    def _(inputs: Any, tangents: Any) -> tuple[jax.Array, jax.Array]:
        found, by_degree, by_selection, by_dispersion = all_four(*inputs)
        moved = by_degree * tangents[0] + by_dispersion * tangents[2]
        if by_selection.size:  # the family has such a part
            moved = moved + by_selection * tangents[1]
        return found, moved

    return value


def with_derivatives(kind: str, known: Known, *, has_dispersion: bool) -> Function:
    """Give the function that computes a log-probability and its derivatives.

    Returns
    -------
    callable
        ``(degree, selection, dispersion)`` to the four outputs of
        `models.compiled.log_prob.FusedLogProb`; the derivative in a parameter that the family lacks
        is 0.
    """
    positive = known.count > 0
    of_counts = _negative_binomial if has_dispersion else _poisson

    def all_four(degree: jax.Array, selection: jax.Array, dispersion: jax.Array) -> Four:
        zero, count = of_counts(known, degree, dispersion)
        if kind == "plain":
            return count[0], count[1], jnp.zeros_like(selection), count[2] / dispersion
        above, below, psi = _softplus_sigmoid(selection)
        count_selection = 1.0 - psi
        if kind == "zero_inflated":
            inner, _, eligible = _softplus_sigmoid(selection + zero[0])
            zero = inner - above, eligible * zero[1], eligible * zero[2]
            zero_selection = eligible - psi
        else:
            count = _cut(degree, zero, count)
            zero = -above, jnp.zeros_like(degree), jnp.zeros_like(degree)
            zero_selection = -psi
        count = count[0] - below, count[1], count[2]
        value, by_degree, by_log_dispersion = (
            jnp.where(positive, one, other) for one, other in zip(count, zero, strict=True)
        )
        by_selection = jnp.where(positive, count_selection, zero_selection)
        return value, by_degree, by_selection, by_log_dispersion / dispersion

    return all_four


def _negative_binomial(
    known: Known, degree: jax.Array, dispersion: jax.Array
) -> tuple[Three, Three]:
    """Give log P(0) and log p(y), each with its derivatives in degree and in log dispersion."""
    y, r = known.count, 1.0 / dispersion
    L, _, q = _softplus_sigmoid(degree + jnp.log(dispersion))
    table, slope = jax.jvp(
        lambda value: log_rising(known.distinct, value, JAX), (dispersion,), (dispersion,)
    )
    zero = -r * L, -r * q, r * (L - q)
    value = zero[0] + y * degree - y * L + known.constant + table[known.slot]
    return zero, (value, zero[1] + y - y * q, zero[2] - y * q + slope[known.slot])


def _poisson(
    known: Known,
    degree: jax.Array,
    dispersion: jax.Array,  # noqa: ARG001 - as the one above
) -> tuple[Three, Three]:
    mu, none = jnp.exp(jnp.minimum(degree, LARGEST_EXPONENT)), jnp.zeros_like(degree)
    value = -mu + known.count * degree + known.constant
    return (-mu, -mu, none), (value, jnp.subtract(known.count, mu), none)


def _cut(degree: jax.Array, zero: Three, count: Three) -> Three:
    """Condition log p(y) on a positive count."""
    tiny = degree < TINY  # P(y > 0) is mu
    odds = 1.0 / jnp.expm1(-zero[0])
    return (
        count[0] - jnp.where(tiny, degree, jnp.log(-jnp.expm1(zero[0]))),
        count[1] + jnp.where(tiny, -1.0, odds * zero[1]),
        count[2] + jnp.where(tiny, 0.0, odds * zero[2]),
    )


def _softplus_sigmoid(x: jax.Array) -> Three:
    """Compute log(1 + e^x), log(1 + e^-x) and 1 / (1 + e^-x), without overflow."""
    e = jnp.exp(-jnp.abs(x))
    both = jnp.log1p(e)
    sigmoid = jnp.where(x >= 0.0, 1.0, e) / (1.0 + e)
    return jnp.maximum(x, 0.0) + both, jnp.maximum(-x, 0.0) + both, sigmoid
