"""Work on dask: several clusters at once, and errors that say what to do."""

import pytest

from data.errors import SchedulerError
from models.cluster import in_process, on_cluster


def test_two_clusters_at_once_do_the_same_work():
    tasks = [(2, 10), (3, 3), (7, 2)]
    with on_cluster() as one, on_cluster() as other:
        found = [sorted(run(pow, tasks)) for run in (in_process, one, other)]
    assert found == [[27, 49, 1024]] * 3


def test_a_scheduler_that_is_not_there_is_named():
    refused = pytest.raises(SchedulerError, match=r"scheduler 'tcp://127\.0\.0\.1:1': cannot be")
    with refused, on_cluster("tcp://127.0.0.1:1"):
        pass
