"""Prior sets: which prior is in force, and what it is a prior of."""

import math

import numpy as np
import pymc as pm
import pytest

from data.errors import PriorError
from data.study import with_slopes
from models import Priors, build
from models.name import parse_model
from models.priors.files import prior_sets


def written(tmp_path, text):
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return Priors.load(path)


def arguments(prior):
    return prior.distribution, dict(prior.arguments)


def test_sets_that_come_with_the_package():
    assert {"default", "wide", "skeptical", "horseshoe"} <= set(prior_sets())


def test_an_entry_replaces_its_parents_whole(tmp_path):
    priors = written(
        tmp_path,
        'extends = "default"\n[dispersion]\ndist = "InverseGamma"\nalpha = 2\nbeta = 1\n',
    )
    assert priors.name == "mine"
    assert arguments(priors.prior("dispersion")) == ("InverseGamma", {"alpha": 2, "beta": 1})
    assert arguments(priors.prior("degree_intercept")) == ("Normal", {"mu": -1, "sigma": 2.5})


def test_the_more_specific_key_wins(tmp_path):
    priors = written(
        tmp_path,
        """
        extends = "default"
        [degree_coef]
        dist = "Normal"
        sigma = 0.4
        [coef.mayor_ties]
        dist = "Laplace"
        mu = 0.1
        b = 0.5
        """,
    )
    assert arguments(priors.prior("degree_coef", "scale(proximity)"))[1] == {"sigma": 0.4}
    assert arguments(priors.prior("selection_coef", "scale(proximity)"))[1] == {"mu": 0, "sigma": 1}
    for parameter in ("degree_coef", "selection_coef"):
        assert priors.prior(parameter, "mayor_ties").distribution == "Laplace"


def test_a_general_key_replaces_the_parents_particular_ones(tmp_path):
    priors = written(
        tmp_path, 'extends = "default"\n[intercept]\ndist = "StudentT"\nnu = 4\nsigma = 1\n'
    )
    assert priors.prior("degree_intercept").distribution == "StudentT"


@pytest.mark.parametrize(
    ("entry", "support"),
    [
        ('[coef]\ndist = "Normal"', (-math.inf, math.inf)),
        ('[sd]\ndist = "Exponential"\nlam = 1', (0, math.inf)),
        ('[correlation]\ndist = "LKJCorr"\neta = 3', (-1, 1)),
        ('[correlation]\ndist = "Uniform"\nlower = -0.5\nupper = 1', (-0.5, 1)),
        ('[sd]\ndist = "TruncatedNormal"\nlower = 0.1\nupper = 9', (0.1, 9)),
        ('[sd]\ndist = "Beta"\nmu = 0.3\nnu = 5', (0, 1)),
    ],
)
def test_support(tmp_path, entry, support):
    (prior,) = written(tmp_path, entry).entries.values()
    assert prior.support == support


def test_lkj_of_two_roles_is_a_stretched_beta(tmp_path):
    prior = written(tmp_path, '[correlation]\ndist = "LKJCorr"\neta = 3').prior(
        "degree_generalized_reciprocity"
    )
    draws = pm.draw(prior.dist(), draws=20_000, random_seed=1)
    # LKJ(eta) of a 2 x 2 matrix: (rho + 1) / 2 ~ Beta(eta, eta), variance 1 / (2 eta + 1)
    assert draws.mean() == pytest.approx(0, abs=4 * draws.std() / np.sqrt(20_000))
    assert draws.var() == pytest.approx(1 / 7, rel=0.05)


def test_a_missing_prior_is_named(tmp_path):
    with pytest.raises(PriorError, match=r"no prior for 'dispersion'; add \[dispersion\]"):
        written(tmp_path, '[coef]\ndist = "Normal"').prior("dispersion")


def test_an_unknown_term_is_refused_with_the_nearest(tmp_path, guangdong):
    priors = written(
        tmp_path, 'extends = "default"\n[degree_coef.mayor_tie]\ndist = "Normal"\nsigma = 1\n'
    )
    with pytest.raises(PriorError, match="did you mean 'mayor_ties'"):
        build(guangdong, "nb_pooled", priors)


@pytest.mark.parametrize(
    "entry",
    [
        '[degree_coef.mayor_ties]\ndist = "HalfNormal"\nsigma = 1',
        '[degree_intercept]\ndist = "Uniform"\nlower = -3\nupper = 5',
        '[degree_sender_sd]\ndist = "Uniform"\nlower = 0\nupper = 5',
        '[correlation]\ndist = "TruncatedNormal"\nmu = 0.3\nsigma = 0.3\nlower = -1\nupper = 1',
        '[coef]\ndist = "StudentT"\nnu = 3\nsigma = 1',
        '[intercept]\ndist = "Beta"\nalpha = 2\nbeta = 2',
    ],
)
def test_any_prior_of_the_right_support_builds_a_finite_density(tmp_path, guangdong, entry):
    model = build(guangdong, "nb_srm", written(tmp_path, f'extends = "default"\n{entry}\n'))
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(model.initial_point()))


def test_a_coefficients_prior_speaks_of_one_sd_of_its_column(study_folder):
    from data import read_study  # noqa: PLC0415

    text = (study_folder / "study.toml").read_text(encoding="utf-8").split("[[hypothesis]]")[0]
    lines = [line for line in text.splitlines() if not line.startswith("degree =")]
    (study_folder / "study.toml").write_text(
        "\n".join([*lines, 'degree = "distance_km + mayor_ties"']), encoding="utf-8"
    )
    study = read_study(study_folder)
    sd = float(study.dyads["degree_design"].sel(degree_term="distance_km").std(ddof=1))
    draws = pm.draw(build(study, "nb_pooled")["degree_coef"], draws=4000, random_seed=3)
    # default: Normal(0, 1) an sd, and a 0/1 column as it is; an sd's error is sd / sqrt(2 n)
    assert draws.std(axis=0) == pytest.approx([1 / sd, 1], rel=4 / np.sqrt(8000))


def test_a_slope_without_a_prior_is_refused_before_anything_is_built(tmp_path, guangdong):
    entries = "\n".join(
        f"[{key}]\ndist = {dist}"
        for key, dist in {
            "intercept": '"Normal"',
            "coef": '"Normal"',
            "dispersion": '"HalfNormal"',
            "degree_sender_sd": '"HalfNormal"',
        }.items()
    )
    priors = written(tmp_path, entries)
    name = parse_model("nb_sender")
    priors.refuse_misfit(name, guangdong)
    study = with_slopes(guangdong, ["degree:sender:scale(proximity)"])
    with pytest.raises(PriorError, match="no prior for 'degree_sender_slope_sd'"):
        priors.refuse_misfit(name, study)
