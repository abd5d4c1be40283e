"""Code that is compiled is kept by its sources: a change in any of them gives another key."""

from pathlib import Path

import pytest

from models.compiled import fast_math, log_prob, log_prob_loops, predictor, predictor_loops, sources
from models.likelihood import counts


@pytest.mark.parametrize("module", [log_prob_loops, fast_math, counts])
def test_a_change_of_any_source_is_another_key(tmp_path, monkeypatch, module):
    before = sources.source_key(log_prob_loops.__file__)
    assert sources.source_key(log_prob_loops.__file__) == before
    changed = tmp_path / "changed.py"
    changed.write_bytes(Path(module.__file__).read_bytes() + b"#")
    monkeypatch.setattr(module, "__file__", str(changed))
    assert sources.source_key(log_prob_loops.__file__) != before


def test_numba_and_pytensor_keep_by_that_key():
    for module, loops in ((log_prob, log_prob_loops), (predictor, predictor_loops)):
        assert sources.source_key(module.__file__, loops.__file__) == module.KEY
    operation = log_prob.FusedLogProb("plain", has_dispersion=True)
    assert log_prob._in_numba(operation)[1] == log_prob.KEY
    assert predictor._in_numba(predictor.FusedPredictor())[1] == predictor.KEY
    stamp = log_prob_loops.log_prob_and_slopes._cache._cache_file._source_stamp
    assert stamp == sources.source_key(log_prob_loops.__file__)
