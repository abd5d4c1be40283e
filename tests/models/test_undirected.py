"""Undirected dyads: an independent model, identities, statsmodels, and what is refused."""

import numpy as np
import pandas as pd
import pymc as pm
import pytest
import statsmodels.api as sm
import xarray as xr
from agreement import largest_z
from likelihoods import of_same_density
from scipy import special, stats

from data import study_from
from data.errors import ModelError, StudyError
from models import build, maximum_likelihood, sample, simulate_study
from models.inference.chains import kept_names
from models.inference.flat_model import flat_model
from models.leave_out.gaussian import amounts_of, exact_log_densities
from models.name import EFFECTS, model_names, named, parse_model

FAMILIES = ["nb", "zinb", "bernoulli", "betabinomial", "normal"]


@pytest.fixture(scope="module")
def towns():
    """Give pairs of towns with attributes: ties and amounts by known effects."""
    rng = np.random.default_rng(11)
    names = np.array([f"T{k:02d}" for k in range(16)])
    i, j = np.nonzero(np.triu(np.ones((16, 16), dtype=bool), 1))
    size, effect = rng.normal(size=16), rng.normal(0, 0.8, 16)
    near = rng.normal(size=i.size)
    eta = -0.4 + 0.7 * near + 0.3 * (size[i] + size[j]) + effect[i] + effect[j]
    rows = pd.DataFrame({"a": names[i], "b": names[j], "near": near})
    rows["tie"] = (rng.random(i.size) < special.expit(eta)).astype(int)
    rows["letters"] = rng.poisson(np.exp(eta / 2))
    rows["amount"] = eta + rng.normal(0, 0.5, i.size)
    return rows, pd.DataFrame({"city": names, "size": size})


def studied(towns, outcome, model, **more):
    rows, cities = towns
    formula = "near + total(size)"
    return study_from(
        rows,
        cities,
        outcome=outcome,
        sender="a",
        receiver="b",
        directed=False,
        degree=formula,
        selection=formula,
        models=(model,),
        **more,
    )


def test_a_study_of_pairs_has_one_row_a_pair(towns):
    study = studied(towns, "tie", "bernoulli_additive")
    assert study.dyads.sizes["dyad"] == 16 * 15 / 2
    assert study.missing_dyads == 0
    assert study.dyads["dyad"].to_numpy()[0] == "T00 & T01"
    assert (study.dyads["first"] < study.dyads["second"]).all()
    assert "sender" not in study.dyads.coords
    assert study.cautions == ()


@pytest.mark.parametrize("family", FAMILIES)
def test_swapping_the_columns_and_relabelling_change_nothing(towns, family):
    outcome = {"bernoulli": "tie", "normal": "amount"}.get(family, "letters")
    rows, cities = towns
    more = {"trials": "n"} if family == "betabinomial" else {}
    rows = rows.assign(n=rows["letters"] + 1)
    rng = np.random.default_rng(3)
    swap = rng.random(len(rows)) < 0.5
    swapped = rows.assign(a=rows["a"].mask(swap, rows["b"]), b=rows["b"].mask(swap, rows["a"]))
    model = f"{family}_additive"
    one = studied((rows, cities), outcome, model, **more)
    other = studied((swapped, cities), outcome, model, **more)
    assert one.digest == other.digest
    # other names put other cities first: the density of the same values is the same
    new = dict(zip(cities["city"], rng.permutation(cities["city"]), strict=True))
    renamed = rows.assign(a=rows["a"].map(new), b=rows["b"].map(new))
    third = studied((renamed, cities.assign(city=cities["city"].map(new))), outcome, model, **more)
    flat = [
        flat_model(built, kept_names(built)) for built in (build(one, model), build(third, model))
    ]
    parameters = [each.labelled(each.middle[None, None]) for each in flat]
    for name in parameters[0]:
        if "city" not in parameters[0][name].dims:
            np.testing.assert_allclose(parameters[0][name], parameters[1][name], rtol=1e-9)
    pooled = [maximum_likelihood(each, f"{family}_pooled") for each in (one, third)]
    np.testing.assert_allclose(pooled[0].parameters, pooled[1].parameters, rtol=1e-7, atol=1e-7)
    for kind in ("information", "sandwich", "dyadic"):
        errors = [each.standard_errors(kind) for each in pooled]
        np.testing.assert_allclose(errors[0], errors[1], rtol=1e-6)
    assert pooled[0].kinds == ["information", "sandwich", "dyadic"]


@pytest.mark.parametrize(
    ("family", "outcome", "theirs"),
    [
        ("bernoulli", "tie", sm.Logit),
        ("poisson", "letters", sm.Poisson),
        ("nb", "letters", sm.NegativeBinomial),
        ("normal", "amount", sm.OLS),
    ],
)
def test_pooled_families_are_statsmodels(towns, family, outcome, theirs):
    study = studied(towns, outcome, f"{family}_pooled")
    part = "selection" if family == "bernoulli" else "degree"
    design = study.dyads[f"{part}_design"].to_numpy()
    X = np.column_stack([np.ones(len(design)), design - design.mean(axis=0)])
    how = {} if family == "normal" else {"disp": 0, "maxiter": 500}
    expected = theirs(study.dyads["outcome"].to_numpy(), X).fit(**how)
    fit = maximum_likelihood(study, f"{family}_pooled")
    assert fit.log_likelihood == pytest.approx(expected.llf, rel=1e-7)
    np.testing.assert_allclose(fit.parameters[:3], expected.params[:3], rtol=1e-4, atol=1e-5)


def multi_membership(study, family):
    """Write the model as a user of PyMC does, a city's effect entering each of its pairs."""
    dyads, part = study.dyads, "degree" if family != "bernoulli" else "selection"
    design = dyads[f"{part}_design"].to_numpy()
    scale = design.std(axis=0, ddof=1)
    i, j = (
        dyads.get_index("city").get_indexer(dyads[end].to_numpy()) for end in ("first", "second")
    )
    y = dyads["outcome"].to_numpy()
    unit, level = (y.std(ddof=1), y.mean()) if family == "normal" else (1.0, 0.0)
    mu, sigma = {"bernoulli": (0, 2), "nb": (-1, 2.5), "normal": (level, unit)}[family]
    with pm.Model() as model:
        intercept = pm.Normal(f"{part}_intercept", mu, sigma)
        coef = pm.Normal(f"{part}_coef", 0, unit / scale, shape=2)
        sd = pm.HalfNormal(f"{part}_city_sd", unit)
        effect = pm.Deterministic(f"{part}_city", sd * pm.Normal("z", shape=16))
        eta = intercept + pm.math.dot(design - design.mean(axis=0), coef) + effect[i] + effect[j]
        if family == "bernoulli":
            pm.Bernoulli("y", logit_p=eta, observed=y)
        elif family == "normal":
            pm.Normal("y", eta, pm.HalfNormal("residual_sd", unit), observed=y)
        else:
            dispersion = pm.HalfNormal("dispersion", 2.0)
            pm.NegativeBinomial("y", mu=pm.math.exp(eta), alpha=1 / dispersion, observed=y)
    return model


@pytest.mark.slow
@pytest.mark.parametrize(
    ("family", "outcome"), [("bernoulli", "tie"), ("nb", "letters"), ("normal", "amount")]
)
def test_an_independent_model_has_the_same_posterior(towns, family, outcome):
    study = studied(towns, outcome, f"{family}_additive")
    ours = sample(study, f"{family}_additive", progress=False)["posterior"].to_dataset()
    with multi_membership(study, family):
        theirs = pm.sample(
            2000, tune=1500, chains=4, random_seed=5, progressbar=False, target_accept=0.95
        )["posterior"].to_dataset()
    names = [name for name in ours if name in theirs]
    assert len(names) >= 4
    theirs = xr.Dataset(
        {name: (ours[name].dims, theirs[name].to_numpy()[:, ::2]) for name in names}
    )
    found = largest_z(ours[names], theirs, lambda draws: draws.mean(("chain", "draw")))
    assert max(found.values()) < 4, found


def test_every_family_has_additive_effects(towns):
    known = model_names()
    assert {f"{family}_additive" for family in FAMILIES} <= set(known)
    joint = parse_model("zinb_additive_joint")
    assert "city_correlation" in joint.parameters
    assert parse_model("nb_additive_joint").parameters == parse_model("nb_additive").parameters
    study, _ = simulate_study(8, "zinb_additive_joint", seed=1)
    built = build(study, "zinb_additive_joint")
    assert built.coords["role_pair"] == ("selection_city & degree_city",)


def test_exact_densities_of_pairs_are_those_of_the_joint_distribution():
    study, truth = simulate_study(7, "normal_additive", seed=3)
    dyads, draws = study.dyads, truth.expand_dims(draw=1)
    (found,) = exact_log_densities(
        amounts_of(draws, dyads, parse_model("normal_additive")),
        {label: np.array([k]) for k, label in enumerate(dyads["dyad"].to_numpy())},
    )
    design = dyads["degree_design"] - dyads["degree_design"].mean("dyad")
    mean = float(truth["degree_intercept"]) + (design @ truth["degree_coef"]).to_numpy()
    ends = list(zip(dyads["first"].to_numpy(), dyads["second"].to_numpy(), strict=True))
    shared = np.array([[len({*one} & {*other}) for other in ends] for one in ends])
    sd, city = float(truth["residual_sd"]), float(truth["degree_city_sd"])
    covariance = city**2 * shared + sd**2 * np.eye(len(ends))
    y = dyads["outcome"].to_numpy()
    for k, value in enumerate(found):
        others = np.arange(len(y)) != k
        onto = covariance[k, others] @ np.linalg.inv(covariance[np.ix_(others, others)])
        given = mean[k] + onto @ (y - mean)[others]
        left = covariance[k, k] - onto @ covariance[others, k]
        assert value == pytest.approx(stats.norm(given, np.sqrt(left)).logpdf(y[k]), rel=1e-9)


def test_effects_of_directions_are_refused(towns):
    study = studied(towns, "tie", "bernoulli_additive")
    for effects, row in EFFECTS.items():
        if row.directed and not row.rank:  # these are read as those of pairs
            with pytest.raises(ModelError, match="undirected; their effects are pooled, additive"):
                build(study, f"bernoulli_{effects}")
    directed, _ = simulate_study(5, "nb_srm", seed=1)
    with pytest.raises(
        ModelError, match="the dyads are directed; their effects are pooled, sender"
    ):
        build(directed, "nb_additive")


@pytest.mark.parametrize("term", ["sender(size)", "receiver(size)", "difference(size)"])
def test_node_terms_of_directions_are_refused(towns, term):
    rows, cities = towns
    with pytest.raises(StudyError, match=r"is of directed dyads, and these are undirected"):
        study_from(
            rows, cities, outcome="tie", sender="a", receiver="b", directed=False, degree=term
        )


def test_a_pair_that_stands_in_both_orders_is_refused(towns):
    rows, cities = towns
    back = rows.iloc[[4]].rename(columns={"a": "b", "b": "a"})
    with pytest.raises(StudyError, match=r"the pair stands more than once.*T00 & T05"):
        studied((pd.concat([rows, back]), cities), "tie", "bernoulli_additive")


def test_matrices_and_graphs_of_pairs():
    import networkx as nx  # noqa: PLC0415

    graph = nx.florentine_families_graph()
    how = {"outcome": "marriage", "directed": False, "models": ("bernoulli_additive",)}
    of_graph = study_from(graph, absent="zero", **how)
    matrix = nx.to_pandas_adjacency(graph, dtype=int)
    of_matrix = study_from(matrix, **how)
    assert of_graph.dyads.sizes["dyad"] == of_matrix.dyads.sizes["dyad"] == 15 * 14 / 2
    assert int(of_graph.dyads["outcome"].sum()) == graph.number_of_edges() == 20
    values = [each.dyads["outcome"].to_series().sort_index() for each in (of_graph, of_matrix)]
    assert values[0].equals(values[1])
    uneven = matrix.copy()
    uneven.loc["Medici", "Pazzi"] = 1
    with pytest.raises(StudyError, match="'marriage' of Medici & Pazzi is not the same in both"):
        study_from(uneven, **how)
    wealth = matrix.copy()
    wealth.loc["Medici", "Acciaiuoli"] = 0
    with pytest.raises(StudyError, match="'wealth' of Acciaiuoli and Medici is 1 in one direction"):
        study_from(matrix, matrices={"wealth": wealth}, selection="wealth", **how)


def test_a_predictor_that_cities_add_up_to_is_split_off(towns):
    # the ridge between city effects and total(size), and that of the intercept, are not walked
    from models.effects.city import split_city_space  # noqa: PLC0415

    study = studied(towns, "tie", "bernoulli_additive")
    (role,) = parse_model("bernoulli_additive").roles
    split = split_city_space(study.dyads, [role])
    assert split.columns.shape == (16, 2)
    sizes = towns[1].set_index("city")["size"].loc[study.dyads["city"].to_numpy()]
    np.testing.assert_allclose(split.columns[:, 1], sizes, rtol=1e-9)


@pytest.mark.filterwarnings("ignore::models.inference.sample.ConvergenceWarning")
def test_slopes_of_undirected_dyads_vary_by_city(towns):
    study = studied(towns, "amount", "normal_additive", slopes={"degree": {"city": ["near"]}})
    fit = sample(study, "normal_additive", progress=False, draws=30, tune=100, chains=2)
    assert fit["posterior"]["degree_city_slope"].dims[2:] == ("city", "degree_city_slope_term")
    assert np.isfinite(fit["log_likelihood"]["outcome"]).all()
    with pytest.raises(StudyError, match="slopes of these dyads vary by city"):
        studied(towns, "amount", "normal_additive", slopes={"degree": {"sender": ["near"]}})


def test_multiplicative_effects_are_those_of_pairs_by_either_name(towns):
    study = studied(towns, "letters", "nb_ame2")
    assert named("nb_ame2", study).name == named("nb_additive_ame2", study).name
    assert named("nb_ame2", study).ranks == (2,)
    ties = studied(towns, "tie", "bernoulli_ame1", link="probit")
    assert named("bernoulli_ame1", ties).name == "bernoulli_probit_additive_ame1"
    graph = of_same_density(*(build(study, "nb_ame2", likelihood=of) for of in ("graph", "fused")))
    assert "FusedPredictor" in graph
