"""Work on dask: several clusters at once, and errors that say what to do."""

import re
from pathlib import Path

import dask
import pytest
from dask.base import get_scheduler
from distributed import LocalCluster

from data.errors import SchedulerError
from data.roles import Part
from models.frequentist.derivatives import POISSON_COUNTS
from models.frequentist.likelihoods import LIKELIHOODS, Likelihood
from models.likelihood.counts import POISSON
from models.likelihood.families import FAMILIES, hurdle
from models.name import EFFECTS, Effects, parse_model
from models.work import cluster
from models.work.cluster import AHEAD, in_process, on_cluster

pytestmark = pytest.mark.slow


def test_two_clusters_at_once_do_the_same_work():
    tasks = [(2, 10), (3, 3), (7, 2)]
    with on_cluster() as one, on_cluster() as other:
        found = [sorted(run(pow, tasks)) for run in (in_process, one, other)]
    assert found == [[27, 49, 1024]] * 3


def test_a_scheduler_that_is_not_there_is_named():
    refused = pytest.raises(SchedulerError, match=r"scheduler 'tcp://127\.0\.0\.1:1': cannot be")
    with refused, on_cluster("tcp://127.0.0.1:1"):
        pass


def test_a_scheduler_that_was_never_reached_is_nobodys_default():
    # xarray would ask it for a lock to write a file
    with pytest.raises(SchedulerError), on_cluster("nowhere"):
        pass
    assert dask.config.get("scheduler", None) is None
    assert get_scheduler() is None


@pytest.fixture
def address():
    """Give the address of a scheduler that somebody else has started, with one worker."""
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as other:
        yield other.scheduler_address


def test_a_scheduler_does_every_task_and_is_given_few_at_a_time(address):
    asked, open_tasks = [], []

    def tasks():
        for number in range(7):
            asked.append(number)
            yield number, 2

    with on_cluster(address) as run:
        found = []
        for value in run(pow, tasks()):
            found.append(value)
            open_tasks.append(len(asked) - len(found))
    assert sorted(found) == [0, 1, 4, 9, 16, 25, 36]
    assert max(open_tasks) <= AHEAD


def roles_of(model):
    """Say which cities' effects a model has; it is done by a worker."""
    return parse_model(model).roles, LIKELIHOODS[model.partition("_")[0]].kind


def test_what_a_user_has_added_reaches_the_workers(address, monkeypatch):
    lonely = Effects(lambda parts: ((parts[-1].roles[0],),))
    monkeypatch.setitem(EFFECTS, "lonely", lonely)
    monkeypatch.setitem(FAMILIES, "cut", hurdle(POISSON))
    monkeypatch.setitem(LIKELIHOODS, "cut", Likelihood(POISSON_COUNTS, "hurdle", plain="poisson"))
    with on_cluster(address) as run:
        assert list(run(roles_of, [("cut_lonely",)])) == [((Part.DEGREE.roles[0],), "hurdle")]


def fails_deep(number):
    return {}[f"no such {number}"]


def test_the_traceback_of_a_fault_in_a_worker_is_kept(address):
    with pytest.raises(SchedulerError) as caught, on_cluster(address) as run:
        list(run(fails_deep, [(7,)]))
    said = str(caught.value)
    assert said.count("\n") == 0
    assert "KeyError: 'no such 7'; what is finished is kept" in said
    log = Path(re.search(r"traceback is in ([^)]+)\)", said)[1])
    told = log.read_text(encoding="utf-8")
    log.unlink()
    assert 'return {}[f"no such {number}"]' in told
    assert "in fails_deep" in told


def test_workers_without_this_version_are_refused(address, monkeypatch):
    # they would be lost over what they cannot read, and the work would wait for ever
    monkeypatch.setattr(cluster, "VERSION", "99.0")
    refused = pytest.raises(SchedulerError, match=r"interlocal is version .* install version 99\.0")
    with refused, on_cluster(address):
        pass
