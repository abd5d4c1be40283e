"""The regularised horseshoe: its density, and its place among city effects and other priors."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
from scipy import stats

from analysis.cli import main
from data.from_memory import study_from_table
from models import Priors, build, simulate_study
from models.inference.prior_predictive import draw_prior
from models.priors.horseshoe import regularised_horseshoe

ARGUMENTS = {"scale": 0.3, "global_df": 4, "local_df": 2, "slab_scale": 1.5, "slab_df": 6}
HORSESHOE = {"dist": "RegularizedHorseshoe", **ARGUMENTS}


@pytest.fixture(scope="module")
def of_receivers():
    """Simulate a study with a predictor of the receiver's city and one of the dyad."""
    study, _ = simulate_study(12, "zinb_srm", seed=3)
    dyads = study.dyads
    size = pd.Series(np.linspace(-1, 2, 12) ** 2, dyads["city"].to_numpy())
    table = pd.DataFrame(
        {
            "sender": dyads["sender"].to_numpy(),
            "receiver": dyads["receiver"].to_numpy(),
            "services": dyads["outcome"].to_numpy(),
            "near": dyads["degree_design"].sel(degree_term="near").to_numpy(),
            "size": size.loc[dyads["receiver"].to_numpy()].to_numpy(),
        }
    )
    table["tied"] = np.arange(len(table)) % 3 == 0
    table["tied"] = table["tied"].astype(int)
    formula = study.declaration.formula.model_copy(
        update={"selection": "near", "degree": "near + size + tied"}
    )
    declaration = study.declaration.model_copy(update={"synthetic": (), "formula": formula})
    return study_from_table(table, declaration, "small")


def horseshoe(**terms):
    return Priors.load("default").replace("mine", coef=HORSESHOE, degree_coef=HORSESHOE | terms)


def test_density_is_the_documented_one():
    of_arrays = {name: np.asarray(value) for name, value in ARGUMENTS.items()}
    with pm.Model() as model:
        pm.Deterministic("beta", regularised_horseshoe("_b", of_arrays, 3))
    rng = np.random.default_rng(4)
    point = {name: rng.normal(0, 0.7, np.shape(x)) for name, x in model.initial_point().items()}
    plain = [v for v in model.unobserved_value_vars if v.name == "beta"]
    (found,) = model.compile_fn(plain, inputs=model.value_vars, mode="FAST_COMPILE")(point)
    at = {name.removesuffix("_log__"): np.exp(x) for name, x in point.items() if "_log__" in name}
    standard, slab = point["_b_standard"], at["_b_slab"]
    expected = stats.norm.logpdf(standard).sum() + stats.invgamma(3, scale=3 * 1.5**2).logpdf(slab)
    for each, df in (("global", 4), ("local", 2)):
        expected += stats.halfnorm.logpdf(at[f"_b_{each}_normal"]).sum()
        variance = stats.invgamma(df / 2, scale=df / 2)
        expected += variance.logpdf(at[f"_b_{each}_variance"]).sum()
    expected += sum(np.sum(x) for name, x in point.items() if "_log__" in name)
    tau = 0.3 * at["_b_global_normal"] * np.sqrt(at["_b_global_variance"])
    local = at["_b_local_normal"] * np.sqrt(at["_b_local_variance"])
    assert float(model.compile_logp(mode="FAST_COMPILE")(point)) == pytest.approx(
        expected, rel=1e-12
    )
    sd = 1 / np.sqrt(1 / slab + 1 / (tau * local) ** 2)
    np.testing.assert_allclose(found, standard * sd, rtol=1e-12)


def test_city_effects_are_untouched_and_priors_mix(of_receivers):
    """A predictor of the receiver's city, and a term with a prior of its own in between."""
    priors = horseshoe(size={"dist": "Laplace", "mu": 0.5, "b": 0.2})
    model = build(of_receivers, "nb_srm", priors)
    assert np.isfinite(model.compile_logp(mode="FAST_COMPILE")(model.initial_point()))
    scale = of_receivers.dyads["degree_design"].std("dyad", ddof=1).to_numpy()
    names = ["degree_coef", "degree_receiver", "degree_receiver_sd"]
    draws = draw_prior(model, names, np.random.SeedSequence(1)).isel(chain=0)
    near, size, tied = (draws["degree_coef"].to_numpy() * np.append(scale[:2], 1)).T
    assert stats.kstest(size, stats.laplace(0.5, 0.2).cdf).pvalue > 1e-3
    expected = of_the_definition(100_000)
    for column in (near, tied):
        assert stats.ks_2samp(column, expected).pvalue > 1e-3
    # a global scale that the two share: large ones come together
    assert stats.spearmanr(abs(near), abs(tied)).pvalue < 1e-6
    effects = draws["degree_receiver"] / draws["degree_receiver_sd"]
    assert stats.kstest(effects.to_numpy().ravel(), stats.norm().cdf).pvalue > 1e-3


def test_the_city_level_coefficient_itself_may_have_it(of_receivers):
    model = build(of_receivers, "nb_srm", horseshoe())
    scale = float(of_receivers.dyads["degree_design"].sel(degree_term="size").std(ddof=1))
    draws = draw_prior(model, ["degree_coef", "degree_receiver"], np.random.SeedSequence(2))
    size = draws["degree_coef"].sel(degree_term="size").to_numpy()[0] * scale
    assert stats.ks_2samp(size, of_the_definition(100_000)).pvalue > 1e-3
    # a priori the coefficient knows nothing of the effects along the predictor
    along = draws["degree_receiver"].to_numpy()[0] @ np.linspace(-1, 2, 12) ** 2
    assert stats.spearmanr(size, along).pvalue > 1e-3


def of_the_definition(size):
    """Draw coefficients as Piironen and Vehtari (2017) define them, in NumPy and SciPy."""
    rng = np.random.default_rng(2)
    tau = abs(stats.t(4, scale=0.3).rvs(size, random_state=rng))
    local = abs(stats.t(2).rvs(size, random_state=rng))
    slab = stats.invgamma(3, scale=3 * 1.5**2).rvs(size, random_state=rng)
    return rng.normal(size=size) / np.sqrt(1 / slab + 1 / (tau * local) ** 2)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("[sd]\nH", "[sd]: no distribution 'RegularizedHorseshoe' for 'sd'; it is a prior of coef"),
        ("[degree_intercept]\nH", "it is a prior of coefficients"),
        ('[coef]\ndist = "RegularizedHorsesho"', "did you mean 'RegularizedHorseshoe'?"),
        ('[coef]\ndist = "RegularizedHorseshoe"\nscal = 1', "'scal'; did you mean 'scale'?"),
        ('[coef]\ndist = "RegularizedHorseshoe"\nscale = 1', "needs scale, global_df, local_df, "),
        ("[degree_coef.mayor_tie]\nH", "no term 'mayor_tie'"),
        ("[coef]\nH\nslab = 1", "has no argument 'slab'; "),
    ],
)
def test_a_misuse_ends_the_command(tmp_path, capsys, study_folder, text, phrase):
    lines = "\n".join(
        f'{name} = "{value}"' if name == "dist" else f"{name} = {value}"
        for name, value in HORSESHOE.items()
    )
    path = tmp_path / "mine.toml"
    path.write_text('extends = "default"\n' + text.replace("\nH", f"\n{lines}"), encoding="utf-8")
    command = ["sample", "--prior-only"] if text.startswith("[degree") else ["priors"]
    assert main([*command, str(study_folder), f"--priors={path}"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"error: {path}")
    assert said.err.count("\n") == 1
    assert phrase in said.err
