"""Work done in turn, the next piece while the last is used; models compiled in this way."""

import threading

import pytest
import xarray as xr

from models import Priors, sample, simulate_study
from models.inference import prepare
from models.inference.prepare import in_turn
from models.inference.sample_to_files import sample_to_files
from models.settings import Settings
from models.work.workspace import Workspace

pytestmark = pytest.mark.slow

SECONDS = 20


def test_the_next_piece_is_begun_when_one_is_handed_out_and_no_earlier():
    begun, gate = [threading.Event() for _ in range(3)], threading.Event()
    threads = []

    def piece(number):
        def work():
            threads.append(threading.current_thread())
            begun[number].set()
            if number:
                gate.wait(SECONDS)
            return number

        return work

    given = in_turn([piece(number) for number in range(3)], ahead=True)
    assert next(given) == 0
    assert begun[1].wait(SECONDS)  # though nobody has asked for it
    assert not begun[2].is_set()
    gate.set()
    assert list(given) == [1, 2]
    assert threads[0] is threading.main_thread()
    assert threads[1] is not threading.main_thread()


def test_alone_each_piece_waits_until_it_is_asked_for():
    done = []
    given = in_turn([lambda: done.append(1), lambda: done.append(2)], ahead=False)
    next(given)
    assert done == [1]
    next(given)
    assert done == [1, 2]


def test_what_a_piece_raises_is_raised_when_its_turn_comes():
    def fails():
        raise OSError("full")

    given = in_turn([lambda: 1, fails], ahead=True)
    assert next(given) == 1
    with pytest.raises(OSError, match="full"):
        next(given)


@pytest.mark.filterwarnings("ignore::models.inference.sample.ConvergenceWarning")
def test_fits_are_the_same_whoever_compiled_the_model(tmp_path, monkeypatch):
    study, _ = simulate_study(8, "nb_sender", seed=2)
    settings = Settings(draws=100, tune=100, chains=2, seed=3)
    compiled_in, build = {}, prepare.build

    def watched(study, model, priors):
        compiled_in[model] = threading.current_thread()
        return build(study, model, priors)

    monkeypatch.setattr(prepare, "build", watched)
    models = ["poisson_pooled", "nb_sender", "nb_pooled"]
    workspace = Workspace(tmp_path, study, Priors.load("default"))
    wanted = [(workspace, model) for model in models]
    made = sample_to_files(wanted[::2], settings)
    assert [reused for _, reused in made] == [False, False]
    assert compiled_in["poisson_pooled"] is threading.main_thread()
    assert compiled_in["nb_pooled"] is not threading.main_thread()
    # those that are there are passed over, and not compiled again
    compiled_in.clear()
    made = dict(zip(models, sample_to_files(wanted, settings), strict=True))
    assert [reused for _, reused in made.values()] == [True, False, True]
    assert list(compiled_in) == ["nb_sender"]
    alone = sample(study, "nb_pooled", progress=False, draws=100, tune=100, chains=2, seed=3)
    with xr.open_datatree(made["nb_pooled"][0], engine="h5netcdf") as kept:
        assert kept["posterior"].equals(alone["posterior"])
