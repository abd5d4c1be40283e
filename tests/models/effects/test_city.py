"""City space, split along the predictors of cities: against least squares and plain geometry."""

import numpy as np
import pytest

from data.roles import Part
from models.effects.centering import informed_first
from models.effects.city import Split

SENDER, RECEIVER = Part.DEGREE.roles


@pytest.fixture
def split():
    rng = np.random.default_rng(1)
    workers = rng.normal(size=12)
    jobs = workers + 0.3 * rng.normal(size=12)
    columns = np.column_stack([np.ones(12), workers, jobs])
    return Split(columns, {SENDER: {1: 0}, RECEIVER: {2: 1}})


@pytest.mark.parametrize("own", [[0], [0, 1], [0, 2], [0, 1, 2]])
def test_a_column_is_its_projection_and_a_rest_across_it(split, own):
    onto, rest = split.projected(own)
    span = split.columns[:, own]
    np.testing.assert_allclose(span @ onto + rest, split.columns, atol=1e-12)
    np.testing.assert_allclose(span.T @ rest, 0, atol=1e-12)
    assert not rest[:, own].any()


def test_of_correlated_roles_the_informed_come_first():
    shares = {SENDER.centering: np.full(3, 0.1), RECEIVER.centering: np.array([0.0, 0.9, 0.3])}
    assert informed_first((SENDER, RECEIVER), shares) == [RECEIVER, SENDER]
    alike = dict.fromkeys(shares, np.zeros(3))
    assert informed_first((SENDER, RECEIVER), alike) == [SENDER, RECEIVER]
