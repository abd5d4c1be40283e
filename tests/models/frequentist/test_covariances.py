"""Standard errors against double sums over dyads, written out."""

from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api as sm

from models import maximum_likelihood, simulate_study
from models.frequentist.covariances import covariances, kinds_of
from models.frequentist.fit import fit_regression, with_jackknife
from models.frequentist.optimum import climb, find_optimum
from models.frequentist.regression import regression


@pytest.fixture(scope="module")
def small():
    """Give a bread, scores, senders and receivers of six cities, one dyad of them missing."""
    rng = np.random.default_rng(1)
    cities = np.array(list("abcdef"))
    i, j = np.nonzero(~np.eye(6, dtype=bool))
    i, j = i[1:], j[1:]
    root = rng.normal(size=(3, 3))
    return root @ root.T, rng.normal(size=(i.size, 3)), (cities[i], cities[j])


@pytest.fixture(scope="module")
def panel(small):
    """Give the same of three periods, in no order."""
    bread, _, ends = small
    rng = np.random.default_rng(2)
    order = rng.permutation(3 * ends[0].size)
    ends = tuple(np.tile(end, 3)[order] for end in ends)
    return bread, rng.normal(size=(order.size, 3)), ends


RELATED = {
    "sandwich": lambda i, j, k, m: (i, j) == (k, m),
    "sender": lambda i, j, k, m: i == k,
    "receiver": lambda i, j, k, m: j == m,
    "two_way": lambda i, j, k, m: i == k or j == m,
    "dyadic": lambda i, j, k, m: bool({i, j} & {k, m}),
}


@pytest.mark.parametrize("kind", RELATED)
def test_meat_is_the_sum_over_related_dyads(small, kind):
    bread, scores, (sender, receiver) = small
    meat = np.zeros((3, 3))
    for a, (i, j) in enumerate(zip(sender, receiver, strict=True)):
        for b, (k, m) in enumerate(zip(sender, receiver, strict=True)):
            if RELATED[kind](i, j, k, m):
                meat += np.outer(scores[a], scores[b])
    found = covariances(bread, scores, (sender, receiver))
    np.testing.assert_allclose(found[kind], bread @ meat @ bread, rtol=1e-10, atol=1e-10)
    assert [*found, "jackknife"] == kinds_of(panel=False)


@pytest.mark.parametrize("kind", ["dyad", "sender", "receiver", "two_way", "dyadic"])
def test_dyads_of_a_panel_are_related_over_periods(panel, kind):
    bread, scores, (sender, receiver) = panel
    related = RELATED | {"dyad": RELATED["sandwich"]}
    meat = np.zeros((3, 3))
    for a, (i, j) in enumerate(zip(sender, receiver, strict=True)):
        for b, (k, m) in enumerate(zip(sender, receiver, strict=True)):
            if related[kind](i, j, k, m):
                meat += np.outer(scores[a], scores[b])
    found = covariances(bread, scores, (sender, receiver), panel=True)
    np.testing.assert_allclose(found[kind], bread @ meat @ bread, rtol=1e-10, atol=1e-10)
    assert [*found, "jackknife"] == kinds_of(panel=True)


def test_information_and_clusters_are_statsmodels(guangdong):
    fit = maximum_likelihood(guangdong, "poisson_pooled")
    dyads = guangdong.dyads
    X = sm.add_constant(dyads["degree_design"].to_numpy())
    model = sm.GLM(dyads["outcome"].to_numpy(), X, family=sm.families.Poisson())
    groups = np.unique(dyads["sender"], return_inverse=True)[1]
    plain = model.fit(tol=1e-12)
    clustered = model.fit(
        tol=1e-12,
        cov_type="cluster",
        cov_kwds={"groups": groups, "use_correction": False},
    )
    assert fit.log_likelihood == pytest.approx(plain.llf, abs=1e-8)
    np.testing.assert_allclose(fit.standard_errors("information")[1:], plain.bse[1:], rtol=1e-6)
    np.testing.assert_allclose(fit.standard_errors("sender")[1:], clustered.bse[1:], rtol=1e-6)


def test_relabelled_cities_change_nothing():
    study, _ = simulate_study(12, "zinb_pooled", seed=4)
    fit = maximum_likelihood(study, "zinb_pooled")
    named = {f"city {k:03d}": f"city {13 - k:03d}" for k in range(1, 13)}
    dyads = study.dyads
    other = dyads.assign_coords(
        {
            side: ("dyad", [named[c] for c in dyads[side].to_numpy()])
            for side in ("sender", "receiver")
        }
    )
    turned = replace(study, dyads=other)
    again = maximum_likelihood(turned, "zinb_pooled")
    np.testing.assert_allclose(fit.covariance, again.covariance, rtol=1e-9, atol=1e-12)


def test_jackknife_is_that_of_a_closed_form():
    # without predictors, the Poisson's estimate is the log of the mean count
    study, _ = simulate_study(9, "poisson_sender", seed=2)
    data = regression(study, "poisson")
    bare = replace(data, designs={"degree": data.designs["degree"][[]]})
    fit = with_jackknife(fit_regression(bare, {"model": "poisson_pooled", "title": ""}), bare)
    dyads = study.dyads
    without = []
    for city in dyads["city"].to_numpy():
        rest = (dyads["sender"] != city) & (dyads["receiver"] != city)
        without.append(np.log(dyads["outcome"].to_numpy()[rest.to_numpy()].mean()))
    expected = np.sqrt(8 / 9 * ((without - np.mean(without)) ** 2).sum())
    assert fit.standard_errors("jackknife").item() == pytest.approx(expected, rel=1e-6)
    assert fit.standard_errors("information").item() < expected  # senders differ


def test_the_jackknife_holds_the_best_maximum_without_each_city():
    study, _ = simulate_study(10, "zinb_crossed", seed=22)
    data = regression(study, "zinb")
    fit = with_jackknife(maximum_likelihood(study, "zinb_pooled"), data)
    (sender, receiver), estimates = data.cities, []
    gained = 0
    for city in np.unique(np.concatenate(data.cities)):
        kept = replace(data.problem, weight=((sender != city) & (receiver != city)).astype(float))
        rng = np.random.default_rng(0)
        ends = [climb(kept, rng.normal(0, 2, kept.size)) for _ in range(100)]
        searched = find_optimum(kept, seed=int(fit.attributes["seed"])).point
        assert searched.value > max(end.value for end in ends) - 1e-4
        alone = climb(kept, fit.parameters.to_numpy() * data.scales)
        gained += searched.value > alone.value + 1e-3
        estimates.append((searched if searched.value > alone.value + 1e-5 else alone).at)
    assert gained  # or climbing from the estimates would have done
    assert any("the best maximum is another one" in caution for caution in fit.cautions)
    spread = np.array(estimates) / data.scales
    spread -= spread.mean(axis=0)
    errors = np.sqrt(0.9 * (spread**2).sum(axis=0))
    known = fit.standard_errors("jackknife").notna().to_numpy()
    assert known.any()
    np.testing.assert_allclose(fit.standard_errors("jackknife")[known], errors[known], rtol=1e-4)
