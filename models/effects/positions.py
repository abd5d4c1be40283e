"""Positions of cities from draws of their factors, turned so that they can be averaged.

A draw's multiplicative effects are U C V' (`models.effects.factors`), which any two rotations leave
as they are. With C = A s B' its singular value decomposition, a city's positions are
u' A s^(1/2) Q as a sender and v' B s^(1/2) Q as a receiver: the multiplicative effect of a dyad
is the product of its sender's and its receiver's position. Q is the rotation that brings the
positions of the draw nearest to those of the mean matrix (Procrustes), whose own are its singular
vectors times the roots of its singular values. Over cities both positions have the covariance
Q' s Q.

Of undirected dyads the effects are U C U' with C = A l A', l its eigenvalues, and B = A sign(l). A
city has one position, u' A |l|^(1/2) Q, and what the other city's is multiplied with is this times
Q' sign(l) Q.
"""

from collections.abc import Collection

import numpy as np
import xarray as xr

from data.roles import PARTS, Part

DRAW = ("chain", "draw")


def has_factors(names: Collection[str]) -> bool:
    """Tell whether any of the parameters that a model keeps are factors."""
    return any(part.core in names for part in PARTS)


def positioned(draws: xr.Dataset) -> xr.Dataset:
    """Replace factors by what is reported of them.

    Parameters
    ----------
    draws : xarray.Dataset
        Draws (chain, draw, ...), of a model without factors too.

    Returns
    -------
    xarray.Dataset
        Of each part that has factors ``<part>_factor_sd`` and ``<part>_singular_value``
        (dimension), largest first, ``<part>_sender_position`` and ``<part>_receiver_position``
        (city, dimension), and ``<part>_factor_covariance`` (dimension, dimension). Of undirected
        dyads ``<part>_eigenvalue`` (dimension), from the largest to the smallest, in place of
        singular values, ``<part>_city_position``, and ``<part>_factor_sign`` (dimension, dimension)
        too.
    """
    for part in PARTS:
        if part.core in draws:
            draws = _positioned(draws, part)
    return draws


def _positioned(draws: xr.Dataset, part: Part) -> xr.Dataset:
    dims, square = (*DRAW, "city", part.dimension), (part.dimension, part.other_dimension)
    roles = [role for role in part.all_roles if role.factor in draws]
    raw = [draws[role.factor].transpose(*dims).to_numpy() for role in roles]
    core = draws[part.core].transpose(*DRAW, *square).to_numpy()
    is_symmetric = len(roles) == 1
    left, sds, right = _taken_apart(core) if is_symmetric else np.linalg.svd(core)
    root = np.sqrt(sds)[..., None, :]
    sender, receiver = raw[0] @ (left * root), raw[-1] @ (np.swapaxes(right, -1, -2) * root)
    rotation = _rotations(sender, receiver, *_of_mean(sender, receiver))
    sender, receiver = sender @ rotation, receiver @ rotation
    back = np.swapaxes(rotation, -1, -2)
    found = {
        part.factor_sd: ((*DRAW, part.dimension), sds),
        roles[0].position: (dims, sender),
        part.factor_covariance: ((*DRAW, *square), back @ (sds[..., None] * rotation)),
    }
    if is_symmetric:
        sign = np.einsum("...ij,...jk->...ik", right, left)  # of each eigenvalue, on the diagonal
        found |= {
            part.eigenvalue: ((*DRAW, part.dimension), _eigenvalues(sender, receiver)),
            part.factor_sign: ((*DRAW, *square), back @ sign @ rotation),
        }
    else:
        found |= {
            part.singular_value: ((*DRAW, part.dimension), _singular_values(sender, receiver)),
            roles[1].position: (dims, receiver),
        }
    return draws.drop_vars([part.core, *(role.factor for role in roles)]).assign(found)


def _taken_apart(core: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the singular value decomposition of symmetric matrices from their eigenvalues."""
    values, vectors = np.linalg.eigh(core)
    order = np.argsort(-abs(values), axis=-1)
    values = np.take_along_axis(values, order, axis=-1)
    vectors = np.take_along_axis(vectors, order[..., None, :], axis=-1)
    return vectors, abs(values), np.swapaxes(vectors * np.sign(values)[..., None, :], -1, -2)


def _of_mean(sender: np.ndarray, receiver: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the positions of the mean matrix: (city, dimension), the largest of each positive."""
    cities, rank = sender.shape[-2:]
    flat = [np.moveaxis(side.reshape(-1, cities, rank), 1, 0) for side in (sender, receiver)]
    draws = len(sender) * sender.shape[1]
    mean = flat[0].reshape(cities, -1) @ flat[1].reshape(cities, -1).T / draws
    left, values, right = np.linalg.svd(mean)
    root = np.sqrt(values[:rank])
    first, second = left[:, :rank] * root, right[:rank].T * root
    sign = np.sign(first[abs(first).argmax(axis=0), np.arange(rank)])
    return first * sign, second * sign


def _rotations(
    sender: np.ndarray, receiver: np.ndarray, to_sender: np.ndarray, to_receiver: np.ndarray
) -> np.ndarray:
    """Give the rotation of each draw that brings both positions nearest to others."""
    nearness = np.swapaxes(sender, -1, -2) @ to_sender + np.swapaxes(receiver, -1, -2) @ to_receiver
    left, _, right = np.linalg.svd(nearness)
    found: np.ndarray = left @ right
    return found


def _singular_values(sender: np.ndarray, receiver: np.ndarray) -> np.ndarray:
    """Give those of sender receiver', largest first, from the triangles of both."""
    triangles = [np.linalg.qr(side, mode="r") for side in (sender, receiver)]
    found: np.ndarray = np.linalg.svd(
        triangles[0] @ np.swapaxes(triangles[1], -1, -2), compute_uv=False
    )
    return found


def _eigenvalues(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Give those of the symmetric first second', from the largest to the smallest."""
    basis, triangle = np.linalg.qr(first)
    inner = triangle @ np.swapaxes(second, -1, -2) @ basis
    found: np.ndarray = np.linalg.eigvalsh((inner + np.swapaxes(inner, -1, -2)) / 2)[..., ::-1]
    return found
