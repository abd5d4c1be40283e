"""One replicate of simulation-based calibration: truth from the prior, counts, fit, ranks.

If truth comes from the prior and counts from the model, the rank of the truth among independent
draws of the posterior is uniform (Talts, Betancourt, Simpson, Vehtari and Gelman 2018,
arXiv:1804.06788). Truth and counts are drawn by `models.simulation.simulate`, which knows nothing
of the coordinates that the model is sampled in, so that a fault on either side shows.
"""

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cache, cached_property, lru_cache
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pymc as pm
import xarray as xr
from pymc.pytensorf import compile as compile_pymc
from pymc.pytensorf import find_rng_nodes, reseed_rngs

from data.errors import PriorError
from data.roles import TERMS
from data.study import Study, with_slopes
from models.build import build
from models.compiled.log_prob import data_of_outcomes
from models.effects.centering import centering, informed_first, shares_of
from models.inference.chains import as_many, compiled_model, draw_chains
from models.inference.predictive import log_likelihood, thinned
from models.inference.samplers import Compiled
from models.likelihood.observed import Observed
from models.name import CITY_CORRELATION, ModelName, named, role_pairs
from models.predictor.linear import column_scale
from models.predictor.units import LOCATION, UNIT
from models.priors.distributions import HORSESHOE
from models.priors.prior import Prior
from models.priors.prior_set import Priors
from models.settings import Settings
from models.simulation.simulate import draw_outcomes, simulate_study
from models.work.fits import digest_of
from models.work.made_from import REPLICATES
from models.work.progress import Reporter

RANKED = 99  # posterior draws that a truth is ranked among: ranks 0 to 99


@dataclass(frozen=True)
class Calibration:
    """What is calibrated.

    Attributes
    ----------
    settings : Settings
        How each fit is sampled; its seed is that of everything.
    truth_priors : Priors, optional
        What truth is drawn from, where that is not ``priors``: such ranks are not uniform.
    slopes : tuple of str
        Random slopes, as `data.study.with_slopes` takes them.
    """

    model: str
    priors: Priors
    cities: int = 12
    settings: Settings = field(default_factory=Settings)
    truth_priors: Priors | None = None
    slopes: tuple[str, ...] = ()

    @cached_property
    def name(self) -> ModelName:
        return named(self.model)

    @cached_property
    def study(self) -> Study:
        study = simulate_study(self.cities, self.model, seed=self.settings.seed)[0]
        study.dyads["outcome"].attrs |= {LOCATION: 0.0, UNIT: 1.0}  # truth knows no outcome
        return with_slopes(study, self.slopes) if self.slopes else study

    @cached_property
    def digest(self) -> str:
        """SHA-256 of all that a replicate is made from, the sources included."""
        truth = self.truth_priors or self.priors
        priors = self.priors.to_json(), truth.to_json()
        settings = asdict(self.settings)
        made_from = [self.model, *priors, self.study.digest, settings, RANKED]
        return digest_of(made_from, REPLICATES)

    @property
    def manifest(self) -> dict[str, Any]:
        """What is calibrated, as plain values."""
        return {
            "model": self.model,
            "priors": self.priors.name,
            "priors_in_force": self.priors.to_json(),
            "cities": self.cities,
            "slopes": json.dumps(self.slopes),
            **asdict(self.settings),
            "ranked_among": RANKED,
            "synthetic": "truth and outcomes are simulated",
            "digest": self.digest,
            "version": version("interlocal"),
        }

    def refuse_misfit(self) -> None:
        """Refuse what no replicate can be made of."""
        for priors in (self.priors, self.truth_priors or self.priors):
            priors.refuse_misfit(self.name, self.study)
            for entry in priors.entries.values():
                if entry.distribution == HORSESHOE:
                    raise PriorError(
                        f"{entry.source}: {HORSESHOE} ties coefficients together; calibration "
                        "draws each parameter from a prior of its own"
                    )


def replicate(calibration: Calibration, number: int) -> xr.Dataset:
    """Draw a truth and counts, fit them, rank the truth.

    Returns
    -------
    xarray.Dataset
        ``truth`` and ``rank`` (parameter): the rank is the number of the 99 posterior draws below
        the truth. Parameters are all that have a prior, the effects of the first city, the
        multiplicative effect of the first dyad with the singular values of all, and the
        log-likelihood of the outcomes (Modrak et al. 2023, doi:10.1214/23-BA1404). Scalars tell of
        the fit: ``max_r_hat``, ``min_ess_bulk``, ``divergences``, ``passed``, ``zeros`` (share of
        the counts), ``seconds``; the attribute ``faults`` lists what the gate found, and ``commit``
        names that of the sources, where they are a git checkout.
    """
    began = time.perf_counter()
    name = calibration.name
    entropy = np.random.SeedSequence(calibration.settings.seed, spawn_key=(number,))
    for_truth, for_outcomes, for_fit = entropy.spawn(3)
    given = draw_truth(
        calibration.truth_priors or calibration.priors, name, calibration.study, for_truth
    )
    dyads = calibration.study.dyads
    truth, outcome = draw_outcomes(dyads, name, given, np.random.default_rng(for_outcomes))
    dyads = dyads.assign(outcome=dyads["outcome"].copy(data=outcome))
    settings = replace(calibration.settings, seed=int(for_fit.generate_state(1)[0]))
    compiled, names = compiled_for_outcomes(calibration, dyads)
    run, thin = as_many(settings, names)
    chains = draw_chains(compiled, names, run, Reporter(), thin=thin)

    draws = thinned(chains.posterior, RANKED).expand_dims("chain")
    likelihood = log_likelihood(draws, dyads, name).sum("dyad")
    one = truth.expand_dims(chain=1, draw=1)
    known = log_likelihood(one, dyads, name).sum("dyad")
    truths = _labelled(truth.assign(log_likelihood=known.squeeze(drop=True)), name)
    ranked = _labelled(draws.assign(log_likelihood=likelihood).squeeze("chain", drop=True), name)
    below = [int((ranked[label] < value).sum()) for label, value in truths.items()]
    found = chains.diagnostics
    return xr.Dataset(
        {
            "rank": ("parameter", np.array(below)),
            "truth": ("parameter", np.array([value.item() for value in truths.values()])),
            "max_r_hat": found.max_r_hat,
            "min_ess_bulk": found.min_ess_bulk,
            "divergences": found.divergences,
            "passed": int(not found.faults),
            "zeros": float((outcome == 0).mean()),
            "seconds": time.perf_counter() - began,
        },
        coords={"parameter": list(truths), "replicate": number},
        attrs={
            "digest": calibration.digest,
            "label": number,
            "faults": json.dumps(found.faults),
            "commit": _commit(),
        },
    )


def draw_truth(
    priors: Priors, name: ModelName, study: Study, seed: np.random.SeedSequence
) -> dict[str, Any]:
    """Draw every parameter that has a prior."""
    factor_sds = {part.factor_sd: name.rank_of(part) for part in name.factor_parts}
    in_force = [
        (parameter, term, prior)
        for parameter, term, prior in priors.in_force(name, study)
        if parameter not in (CITY_CORRELATION, *factor_sds)
    ]
    draw, rngs = _compiled_draw(tuple(prior for _, _, prior in in_force))
    rng = np.random.default_rng(seed)
    reseed_rngs(rngs, int(rng.integers(2**63)))
    truth: dict[str, Any] = {}
    for (parameter, term, _), value in zip(in_force, draw(), strict=True):
        if term is not None:
            part, _ = TERMS[parameter]
            scale = column_scale(study.dyads, part).sel({part.term: term})
            truth.setdefault(parameter, {})[term] = float(value / scale)
        else:
            truth[parameter] = float(value)
    if CITY_CORRELATION in name.parameters:
        eta = dict(priors.of(name).prior(CITY_CORRELATION).arguments)["eta"]
        matrix = _lkj_draw(len(name.roles), eta, rng)
        lower = matrix[np.tril_indices(len(matrix), -1)].tolist()
        truth[CITY_CORRELATION] = dict(zip(role_pairs(name.roles), lower, strict=True))
    for parameter, rank in factor_sds.items():
        sigma = priors.of(name).prior(parameter).sigma
        matrix = rng.normal(0, sigma, (rank, rank))
        if name.directed is False:  # a symmetric one, with its eigenvalues
            values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
            truth[parameter] = values[np.argsort(-abs(values))]
        else:
            truth[parameter] = np.linalg.svd(matrix, compute_uv=False)
    return truth


@lru_cache
def _compiled_draw(priors: tuple[Prior, ...]) -> tuple[Callable[[], list[Any]], list[Any]]:
    """Compile a draw from each prior, once a process; give its random generators too."""
    variables = [prior.dist() for prior in priors]
    return compile_pymc([], variables, mode="FAST_COMPILE"), find_rng_nodes(variables)


@cache
def _commit() -> str:
    """Name the commit of the sources; "" where they are not a git checkout of their own."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return ""
    command = ["git", "-C", str(root), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def _lkj_draw(size: int, eta: float, rng: np.random.Generator) -> np.ndarray:
    """Draw a correlation matrix by the onion method (Lewandowski, Kurowicka and Joe 2009, 3.2)."""
    cholesky = np.eye(size)
    beta = eta + (size - 1) / 2
    for k in range(1, size):
        beta -= 0.5
        squared_length = rng.beta(k / 2, beta)
        direction = rng.normal(size=k)
        cholesky[k, :k] = np.sqrt(squared_length) * direction / np.linalg.norm(direction)
        cholesky[k, k] = np.sqrt(1 - squared_length)
    return cholesky @ cholesky.T


# What a process has compiled: by model, priors, predictors, sampler and order of the roles.
_COMPILED: dict[tuple[object, ...], tuple[pm.Model, Compiled, list[str]]] = {}


def compiled_for_outcomes(
    calibration: Calibration, dyads: xr.Dataset
) -> tuple[Compiled, list[str]]:
    """Give the model of a study with these outcomes, compiled once a process and order of roles.

    Returns
    -------
    compiled : Compiled
        What `models.inference.chains.draw_chains` takes: the model that `models.build` builds for
        these outcomes, centered and its roles ordered as they ask for.
    names : list of str
        The parameters to keep.
    """
    name, sampler = calibration.name, calibration.settings.sampler
    known = centering(dyads, name.family_name, name.roles)
    shares = shares_of(known, name)
    order = tuple(tuple(informed_first(block, known)) for block in name.blocks)
    key = name.name, calibration.priors.to_json(), calibration.study.digest, sampler, order
    if key not in _COMPILED:
        study = replace(calibration.study, dyads=dyads)
        model = build(study, name.name, calibration.priors, exchangeable=("outcomes",))
        _COMPILED[key] = model, *compiled_model(model, sampler)
    model, compiled, names = _COMPILED[key]
    values = {**data_of_outcomes(name.family, Observed.of(dyads)), **shares}
    pm.set_data(values, model=model)  # chains start where the model says for these outcomes
    return compiled.with_data(**values), names


def _labelled(values: xr.Dataset, name: ModelName) -> dict[str, xr.DataArray]:
    """Take apart what is ranked, a scalar a label: ``degree_coef[near]``."""
    labelled = {}
    slopes = [each for role in name.roles for each in (role.slope_sd, role.slope)]
    factors = [
        label
        for part in name.factor_parts
        for label in (part.multiplicative, part.singular_value, part.eigenvalue)
    ]
    for parameter in (*name.parameters, *map(str, name.roles), *slopes, *factors, "log_likelihood"):
        if parameter not in values:  # coefficients of a formula without terms, slopes
            continue
        variable = values[parameter]
        dims = [dim for dim in variable.dims if dim != "draw"]
        if not dims:
            labelled[parameter] = variable
            continue
        labels = [variable[dim].to_numpy().tolist() for dim in dims]
        shown = [
            of[:1] if dim in ("city", "dyad") else of for dim, of in zip(dims, labels, strict=True)
        ]
        for at in product(*shown):
            one = variable.sel(dict(zip(dims, at, strict=True)))
            labelled[f"{parameter}[{', '.join(at)}]"] = one
    return labelled
