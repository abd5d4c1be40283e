"""A made-up study that has everything, and fits whose draws are made by hand."""

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data.declaration import Declaration
from data.from_memory import study_from_table
from models.inference.fit import UNOBSERVED
from models.name import correlation_name, parse_model

FORMULAS = {"selection": "near + log(size)", "degree": "scale(near) * tied + log(size) + kind"}


@pytest.fixture
def varied_study():
    """Give 6 cities without the dyad f -> a: numbers, zeros and ones, text, exposure, a slope."""
    rng = np.random.default_rng(5)
    cities = np.array(list("abcdef"))
    i, j = np.nonzero(~np.eye(len(cities), dtype=bool))
    kept = ~((cities[i] == "f") & (cities[j] == "a"))
    i, j = i[kept], j[kept]
    table = pd.DataFrame(
        {
            "from": cities[i],
            "to": cities[j],
            "services": rng.poisson(2, len(i)),
            "years": rng.integers(1, 5, len(i)),
            "near": rng.normal(3, 2, len(i)),
            "size": rng.lognormal(1, 1, len(i)),
            "tied": np.arange(len(i)) % 3 == 0,
            "kind": rng.choice(["coast", "hills", "plain"], len(i)),
            "unused": 1,
        }
    ).astype({"tied": int})
    declaration = Declaration.model_validate(
        {
            "title": "Made up",
            "synthetic": ("services", "near"),
            "models": ("nb_srm",),
            "dyads": {
                "sender": "from",
                "receiver": "to",
                "outcome": "services",
                "exposure": "years",
            },
            "formula": FORMULAS,
            "slopes": {"degree": {"sender": ("log(size)",)}},
        }
    )
    return study_from_table(table, declaration, "varied"), table


@pytest.fixture
def made_fit():
    """Give a function: study, model and draws to a fit."""

    def make(study, model, posterior):
        groups = {
            "posterior": posterior,
            "observed_data": study.dyads[["outcome"]],
            "constant_data": study.dyads.drop_vars("outcome"),
        }
        if study.unobserved is not None:
            groups[UNOBSERVED] = study.unobserved
        tree = xr.DataTree.from_dict(groups)
        tree.attrs = {
            "study": study.name,
            "title": study.declaration.title,
            "model": model,
            "priors": "default",
            "declaration": study.declaration.model_dump_json(),
            "synthetic": json.dumps(study.declaration.synthetic),
            "passed": 1,
        }
        return tree

    return make


@pytest.fixture
def made_draws():
    """Give a function: study and model to 2 chains of scattered draws of every parameter."""

    def make(study, model, draws=20, seed=0):
        rng, name, dyads = np.random.default_rng(seed), parse_model(model), study.dyads
        terms = [f"{part}_term" for part in name.parts]
        coords = {dim: dyads[dim].to_numpy() for dim in ("dyad", "city", *terms)}
        coords["degree_sender_slope_term"] = list(study.declaration.slopes.degree.sender)
        made = xr.Dataset(coords={"chain": [0, 1], "draw": np.arange(draws), **coords})
        for parameter, center, spread, *dims in _scattered(name):
            sizes = [made.sizes[dim] for dim in dims]
            values = center + spread * rng.normal(size=(2, draws, *sizes))
            made[parameter] = (("chain", "draw", *dims), values)
        return made

    return make


def _scattered(name):
    """List a model's parameters: name, center, spread, dims."""
    for part in name.parts:
        yield f"{part}_intercept", 0.4, 0.2
        yield f"{part}_coef", 0.1, 0.3, f"{part}_term"
        if name.has_pairs:
            yield f"{part}_pair", 0, 0.4, "dyad"
            yield f"{part}_pair_sd", 0.5, 0.02
            yield f"{part}_dyadic_reciprocity", 0.6, 0.02
    for block in name.blocks:
        for role in block:
            yield role.effect, 0, 0.5, "city"
            yield f"{role}_sd", 0.5, 0.05
        yield correlation_name(block), 0.3, 0.05
    if name.roles:
        yield "degree_sender_slope", 0, 0.3, "city", "degree_sender_slope_term"
        yield "degree_sender_slope_sd", 0.4, 0.01, "degree_sender_slope_term"
    if name.family.scale:
        yield "dispersion", 0.8, 0.05


@pytest.fixture
def draws_around():
    """Give a function: a truth to 2 chains of draws of every parameter, scattered around it."""

    def scattered(truth, draws, seed=0):
        rng = np.random.default_rng(seed)
        made = {}
        for name, value in truth.data_vars.items():
            scatter = rng.normal(0, 0.1, (2, draws, *value.shape))
            if name.endswith(
                ("factor_covariance", "factor_sign")
            ):  # symmetric, and one of the other
                scatter *= 0
            positive = name.endswith("_sd") or name == "dispersion"
            moved = value.to_numpy() * np.exp(scatter) if positive else value.to_numpy() + scatter
            bounded = np.clip(moved, -0.95, 0.95) if name.endswith("reciprocity") else moved
            made[name] = (("chain", "draw", *value.dims), bounded)
        coords = {dim: truth[dim] for dim in truth.dims}
        return xr.Dataset(made, {**coords, "chain": [0, 1], "draw": range(draws)})

    return scattered
