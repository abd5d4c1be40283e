"""The gate lets good draws through and names what is wrong with bad ones."""

import numpy as np
import pytest
import xarray as xr

from models.inference.gate import diagnose


def draws(chains=4, length=1000, seed=1):
    rng = np.random.default_rng(seed)
    posterior = xr.Dataset(
        {
            "dispersion": (("chain", "draw"), rng.normal(size=(chains, length))),
            "degree_sender": (("chain", "draw", "city"), rng.normal(size=(chains, length, 2))),
        },
        coords={"city": ["Foshan", "Zhuhai"]},
    )
    stats = xr.Dataset(
        {
            "diverging": (("chain", "draw"), np.zeros((chains, length), dtype=bool)),
            "energy": (("chain", "draw"), rng.normal(size=(chains, length))),
        }
    )
    return posterior, stats


def test_independent_draws_pass():
    found = diagnose(*draws())
    assert found.faults == ()
    assert found.remedy == ""
    # E-BFMI of independent energies: E (a - b)^2 / Var = 2
    assert found.min_bfmi == pytest.approx(2, abs=0.2)


def test_a_chain_elsewhere_fails_r_hat_and_is_named():
    posterior, stats = draws()
    posterior["degree_sender"].loc[{"chain": 2, "city": "Zhuhai"}] += 2
    found = diagnose(posterior, stats)
    assert found.worst == "degree_sender[Zhuhai]"
    assert "R-hat" in found.faults[0]
    assert "degree_sender[Zhuhai]" in found.faults[0]


def test_few_draws_fail_on_ess():
    assert any("bulk ESS" in fault for fault in diagnose(*draws(length=60)).faults)


def test_a_parameter_that_does_not_move_fails():
    posterior, stats = draws()
    posterior["dispersion"][:] = 1.0
    assert any("dispersion" in fault for fault in diagnose(posterior, stats).faults)


def test_a_divergence_fails_and_has_its_own_remedy():
    posterior, stats = draws()
    stats["diverging"][1, 5] = True
    found = diagnose(posterior, stats)
    assert found.faults == ("1 divergence",)
    assert "TARGET_ACCEPT" in found.remedy


def test_slow_energy_fails():
    posterior, stats = draws()
    stats["energy"][3] = np.cumsum(stats["energy"][3])
    assert [fault for fault in diagnose(posterior, stats).faults if "chain 3" in fault]
