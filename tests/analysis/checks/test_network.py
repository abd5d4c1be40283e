"""Statistics of a network of counts: published figures, a plain loop, closed forms, identities."""

import numpy as np
import pytest
import xarray as xr

import analysis.checks.network
from analysis import load
from analysis.checks.network import STATISTICS, network_check, network_statistics, network_table
from analysis.checks.replicated import predicted_mean, replicated_outcomes
from data import read_study

DEPENDENCES = ["dyadic dependence", "cyclic dependence", "transitive dependence"]


def network(matrix):
    """Give counts and dyads of a matrix; what is not a number has no row."""
    cities = [f"c{i}" for i in range(len(matrix))]
    sender, receiver = np.nonzero(~np.isnan(matrix))
    dyads = xr.Dataset(
        coords={
            "city": cities,
            "sender": ("dyad", np.array(cities)[sender]),
            "receiver": ("dyad", np.array(cities)[receiver]),
        }
    )
    return xr.DataArray(matrix[sender, receiver].astype(int), dims="dyad"), dyads


def statistics_of(matrix):
    return network_statistics(*network(matrix)).to_series()


def random_matrix(seed, cities, missing=0):
    rng = np.random.default_rng(seed)
    matrix = rng.negative_binomial(0.6, 0.2, (cities, cities)).astype(float)
    np.fill_diagonal(matrix, np.nan)
    there = np.argwhere(~np.isnan(matrix))
    for i, j in rng.permutation(there)[:missing]:
        matrix[i, j] = np.nan
    return matrix


def test_the_ewes_statistics_are_amens(shared):
    study = read_study(shared / "sheep")
    found = network_statistics(study.dyads["outcome"], study.dyads).to_series()
    # gofstats of the R package amen on the same counts, to the digits that it printed
    expected = [0.70037477, 0.67209344, -0.19797403, -0.05826448, 0.07264240]
    np.testing.assert_allclose(found.iloc[:5], expected, atol=1e-8)


def by_loop(matrix):
    """Compute the five of amen term by term, without a product of matrices."""
    n = len(matrix)
    there = ~np.isnan(matrix)
    values = matrix[there]
    mean, sd = values.mean(), values.std(ddof=1)
    both = [(i, j) for i in range(n) for j in range(n) if there[i, j] and there[j, i]]
    triples = [(i, j, k) for i in range(n) for j in range(n) for k in range(n)]
    e = np.where(there, matrix - mean, 0.0)
    cycles = [(i, j, k) for i, j, k in triples if there[i, j] and there[j, k] and there[k, i]]
    closed = [(i, j, k) for i, j, k in triples if there[i, j] and there[k, j] and there[k, i]]
    return [
        np.std([np.nanmean(row) for row in matrix if not np.isnan(row).all()], ddof=1),
        np.std([np.nanmean(row) for row in matrix.T if not np.isnan(row).all()], ddof=1),
        np.corrcoef([matrix[i, j] for i, j in both], [matrix[j, i] for i, j in both])[0, 1],
        sum(e[i, j] * e[j, k] * e[k, i] for i, j, k in cycles) / len(cycles) / sd**3,
        sum(e[i, j] * e[k, j] * e[k, i] for i, j, k in closed) / len(closed) / sd**3,
    ]


@pytest.mark.parametrize("missing", [0, 7])
def test_they_are_what_a_plain_loop_gives(missing):
    matrix = random_matrix(4, 6, missing)
    if missing:
        matrix[2] = np.nan  # a city that sends to nobody
    found = statistics_of(matrix)
    np.testing.assert_allclose(found.iloc[:5], by_loop(matrix), rtol=1e-12)
    values = matrix[~np.isnan(matrix)]
    assert found.iloc[5:].tolist() == [(values == 0).mean(), values.mean(), values.max()]


def test_draws_in_blocks_are_the_networks_one_by_one(monkeypatch):
    monkeypatch.setattr(analysis.checks.network, "BLOCK", 3 * 8**2)
    matrices = [random_matrix(seed, 8) for seed in range(7)]
    counts = xr.concat([network(each)[0] for each in matrices], dim="draw")
    found = network_statistics(counts, network(matrices[0])[1])
    assert found.dims == ("draw", "statistic")
    for drawn, matrix in zip(found, matrices, strict=True):
        np.testing.assert_allclose(drawn, statistics_of(matrix), rtol=1e-12)


def test_order_of_rank_has_a_closed_form():
    n = 7
    above = np.triu(np.ones((n, n)), 1)
    np.fill_diagonal(above, np.nan)
    found = statistics_of(above)
    # city i sends to the n - 1 - i behind it; of 0 to n - 1, the variance is n (n + 1) / 12
    spread = np.sqrt(n * (n + 1) / 12) / (n - 1)
    np.testing.assert_allclose(found[["sender sd", "receiver sd"]], spread, rtol=1e-12)
    # E is antisymmetric but for its mean of zero: cycles of both directions cancel
    np.testing.assert_allclose(found[DEPENDENCES], [-1, 0, 0], atol=1e-12)


def test_turned_scaled_and_relabelled():
    matrix = random_matrix(8, 9, missing=5)
    found = statistics_of(matrix)
    turned = statistics_of(matrix.T)
    assert turned["sender sd"] == pytest.approx(found["receiver sd"], rel=1e-12)
    assert turned["receiver sd"] == pytest.approx(found["sender sd"], rel=1e-12)
    np.testing.assert_allclose(turned[DEPENDENCES], found[DEPENDENCES], rtol=1e-10)
    np.testing.assert_allclose(statistics_of(3 * matrix)[DEPENDENCES], found[DEPENDENCES])
    order = np.random.default_rng(1).permutation(9)
    np.testing.assert_allclose(statistics_of(matrix[np.ix_(order, order)]), found, rtol=1e-10)


def test_mutual_counts_correlate_perfectly():
    matrix = random_matrix(2, 6)
    assert statistics_of(matrix + matrix.T)["dyadic dependence"] == pytest.approx(1)


def test_what_is_not_defined_is_not_a_number():
    same = np.ones((4, 4))
    np.fill_diagonal(same, np.nan)
    found = statistics_of(same)
    assert found[DEPENDENCES].isna().all()
    assert found[["sender sd", "receiver sd", "share of zeros"]].tolist() == [0, 0, 0]
    one_way = random_matrix(5, 5)
    one_way[np.tril_indices(5)] = np.nan  # nobody is a partner in both directions
    found = statistics_of(one_way)
    assert np.isnan(found["dyadic dependence"])
    assert np.isnan(found["cyclic dependence"])
    assert np.isfinite(found["transitive dependence"])
    # mutual counts all 0, whatever the others: no correlation, rather than one of rounding errors
    one_way[1, 0] = one_way[0, 1] = 0
    one_way[2, 1] = one_way[1, 2] = 0
    assert np.isnan(statistics_of(one_way)["dyadic dependence"])


def test_table_counts_ties_half_and_passes_over_what_is_not_defined():
    observed = np.full(len(STATISTICS), 2.0)
    drawn = np.tile(np.array([1.0, 2.0, 3.0, 4.0])[:, None], len(STATISTICS))
    drawn[3, 0] = np.nan
    drawn[:, 1] = np.nan
    observed[2] = np.nan
    check = xr.Dataset(
        {"observed": ("statistic", observed), "predictive": (("draw", "statistic"), drawn)},
        coords={"statistic": list(STATISTICS)},
    )
    table = network_table(check)
    assert table["p"].iloc[3] == (2 + 0.5) / 4
    assert table["p"].iloc[0] == (1 + 0.5) / 3
    assert table["defined"].tolist() == [3, 0, *[4] * 6]
    assert table["p"].iloc[[1, 2]].isna().all()
    assert table["mean"].iloc[2] == 2.5  # the model's, though the observed one is not defined
    # 89 % equal-tailed: quantiles of 1 to 4 are 1 + 3 q
    np.testing.assert_allclose(table[["lower", "upper"]].iloc[3], [1.165, 3.835])


def test_a_fits_replicates_are_evenly_spaced(sampled):
    with load("guangdong", "zinb_srm", results=sampled[0]) as fit:
        counts = fit["posterior_predictive"]["outcome"].load()
        thinned = replicated_outcomes(fit, 500)
        assert thinned.sizes == {"draw": 500, "dyad": 420}
        assert (thinned[125 + 3] == counts[1, 24].to_numpy()).all()  # every eighth, chain by chain
        assert replicated_outcomes(fit, 10**6).sizes["draw"] == 4000
        np.testing.assert_allclose(predicted_mean(fit), counts.mean(("chain", "draw")), rtol=1e-12)
        check = network_check(fit, 40)
        dyads = fit["constant_data"].to_dataset().load()
    matrix = np.full((21, 21), np.nan)
    city = dyads["city"].to_numpy()
    places = np.searchsorted(city, dyads["sender"]), np.searchsorted(city, dyads["receiver"])
    matrix[places] = counts[0, 100]
    np.testing.assert_allclose(check["predictive"][1][:5], by_loop(matrix), rtol=1e-10)
