"""From a study folder to labelled design matrices."""

import hashlib
import tomllib

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from data import read_study
from data.errors import StudyError
from data.guangdong import FOLDER
from data.roles import PARTS
from data.study import study_from_table
from models import simulate_study
from models.name import parse_model
from models.predictor.linear import linear_predictor
from models.simulation.simulate import draw_outcomes

GUANGDONG = FOLDER
RECIPE = tomllib.loads((GUANGDONG / "truth.toml").read_text(encoding="utf-8"))["truth"]


def rewrite(folder, **changes):
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8")
    for old, new in changes.items():
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def with_formula(folder, formula):
    lines = (folder / "study.toml").read_text(encoding="utf-8").split("[[hypothesis]]")[0]
    kept = [line for line in lines.splitlines() if not line.startswith("degree =")]
    text = "\n".join([*kept, f"degree = '{formula}'", ""])
    (folder / "study.toml").write_text(text, encoding="utf-8")
    return read_study(folder).dyads["degree_design"]


def test_dims_and_coordinates_carry_names(guangdong):
    dyads = guangdong.dyads
    assert dict(dyads.sizes) == {
        "dyad": 420,
        "city": 21,
        "pair": 210,
        "selection_term": 5,
        "degree_term": 5,
        "predictor": 5,
        "category": 0,
    }
    one = dyads.sel(dyad="Heyuan -> Shenzhen")
    assert one["sender"].item() == "Heyuan"
    assert one["receiver"].item() == "Shenzhen"
    assert one["dyad_pair"].item() == "Heyuan & Shenzhen"
    assert dyads.sel(dyad="Shenzhen -> Heyuan")["dyad_pair"].item() == "Heyuan & Shenzhen"
    assert guangdong.missing_dyads == 0


def test_scale_is_a_z_score(guangdong):
    column = guangdong.dyads["degree_design"].sel(degree_term="scale(proximity)")
    assert float(column.mean()) == pytest.approx(0, abs=1e-12)
    assert float(column.std(ddof=1)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize(
    ("formula", "terms"),
    [
        ("1", []),
        ("log(distance_km)", ["log(distance_km)"]),
        ("center(proximity):mayor_ties", ["center(proximity):mayor_ties"]),
        ("C(mayor_ties)", ["C(mayor_ties)[T.1]"]),
    ],
)
def test_formulas_speak_formulaic(study_folder, formula, terms):
    assert with_formula(study_folder, formula)["degree_term"].to_numpy().tolist() == terms


def test_formula_values_are_those_of_numpy(study_folder):
    table = pd.read_csv(study_folder / "dyads.csv")
    design = with_formula(study_folder, "log(distance_km) + proximity:mayor_ties")
    expected = np.column_stack([np.log(table["distance_km"]), table.eval("proximity * mayor_ties")])
    np.testing.assert_allclose(design, expected, rtol=1e-12)


def test_poly_is_orthonormal(study_folder):
    columns = with_formula(study_folder, "poly(proximity, 2)").to_numpy()
    np.testing.assert_allclose(columns.T @ columns, np.eye(2), atol=1e-10)


def test_missing_dyads_are_counted(study_folder):
    path = study_folder / "dyads.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], *lines[8:]]) + "\n", encoding="utf-8")
    study = read_study(study_folder)
    assert study.missing_dyads == 7
    assert study.dyads.sizes["city"] == 21


def test_exposure_enters_as_its_logarithm(study_folder):
    table = pd.read_csv(study_folder / "dyads.csv")
    years = 1 + np.arange(420) % 5
    table.assign(years=years).to_csv(study_folder / "dyads.csv", index=False)
    rewrite(study_folder, **{'outcome = "services"': 'outcome = "services"\nexposure = "years"'})
    np.testing.assert_allclose(read_study(study_folder).dyads["log_exposure"], np.log(years))


def test_digest_changes_with_table_and_declaration(study_folder, guangdong):
    assert read_study(study_folder).digest == guangdong.digest
    rewrite(study_folder, **{", 2021": ", 2022"})
    assert read_study(study_folder).digest != guangdong.digest


def test_positions_are_those_of_the_city_table(guangdong):
    table = pd.read_csv(GUANGDONG / "cities.csv", index_col="city")
    dyads = guangdong.dyads
    for degrees in ("latitude", "longitude"):
        assert dyads[degrees].dims == ("city",)
        assert dyads[degrees].to_series().to_dict() == table[degrees].to_dict()


def test_digest_covers_the_city_table_where_there_is_one(study_folder):
    before = read_study(study_folder)
    path = study_folder / "cities.csv"
    path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    after = read_study(study_folder)
    assert after.digest != before.digest
    assert after.dyads.identical(before.dyads)
    rewrite(study_folder, **{'[cities]\nfile = "cities.csv"\n': ""})
    parts = [(study_folder / name).read_bytes() for name in ("study.toml", "dyads.csv")]
    bare = read_study(study_folder)
    # as it was before there were city tables, so that kept fits stay current
    assert bare.digest == hashlib.sha256(b"\0".join(parts)).hexdigest()
    assert "latitude" not in bare.dyads.coords


def test_positions_pass_through_a_file_and_change_no_prediction(guangdong, tmp_path):
    tree = xr.DataTree.from_dict({"constant_data": guangdong.dyads.drop_vars("count")})
    tree.to_netcdf(tmp_path / "fit.nc", engine="h5netcdf")
    with xr.open_datatree(tmp_path / "fit.nc", engine="h5netcdf") as read:
        kept = read["constant_data"].to_dataset().load()
    assert set(kept.coords) == set(guangdong.dyads.coords)
    xr.testing.assert_identical(kept["longitude"], guangdong.dyads["longitude"])
    bare = guangdong.dyads.drop_vars(["latitude", "longitude"])
    rng = np.random.default_rng(3)
    parameters, _ = draw_outcomes(bare, parse_model("zinb_srm"), RECIPE, rng)
    for part in PARTS:
        expected = linear_predictor(parameters, bare, part)
        for dyads in (kept, guangdong.dyads):
            found = linear_predictor(parameters, dyads, part)
            assert set(found.coords) == set(expected.coords)
            xr.testing.assert_allclose(found, expected, rtol=1e-12)  # sums may be ordered anew


def test_a_table_in_memory_makes_the_same_study(guangdong, study_folder):
    table = pd.read_csv(study_folder / "dyads.csv")
    cities = pd.read_csv(study_folder / "cities.csv")
    study = study_from_table(table, guangdong.declaration, "guangdong", cities)
    assert study.dyads.equals(guangdong.dyads)
    without = study_from_table(table, guangdong.declaration, "guangdong")
    assert without.dyads.equals(guangdong.dyads.drop_vars(["latitude", "longitude"]))
    assert without.digest != study.digest


@pytest.mark.parametrize("value", [None, np.nan])
@pytest.mark.parametrize("column", ["sender", "services", "proximity"])
def test_what_a_table_in_memory_lacks_is_named(guangdong, study_folder, column, value):
    table = pd.read_csv(study_folder / "dyads.csv").astype(object)
    table.loc[3, column] = value
    fault = "a city has no name" if column == "sender" else f"'{column}' is missing"
    with pytest.raises(StudyError, match=f"^mine: row 5: {fault}"):
        study_from_table(table, guangdong.declaration, "mine")


def test_a_simulated_study_says_so_and_is_reproducible():
    study, truth = simulate_study(8, "zinb_srm", seed=4)
    again, _ = simulate_study(8, "zinb_srm", seed=4)
    assert set(study.declaration.synthetic) == {"services", "near", "alike"}
    assert study.dyads.equals(again.dyads)
    assert study.digest == again.digest
    assert truth["degree_sender"].sizes == {"city": 8}


def test_simulated_city_effects_have_the_declared_covariance():
    _, truth = simulate_study(400, "nb_srm", seed=2)
    sender, receiver = truth["degree_sender"].to_numpy(), truth["degree_receiver"].to_numpy()
    # Monte Carlo error of an sd is sd / sqrt(2 n), of a correlation (1 - rho^2) / sqrt(n)
    assert sender.std() == pytest.approx(0.7, abs=4 * 0.7 / np.sqrt(800))
    assert receiver.std() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(800))
    assert np.corrcoef(sender, receiver)[0, 1] == pytest.approx(0.6, abs=4 * 0.64 / np.sqrt(400))


def test_a_declaration_is_read_again_from_what_a_fit_keeps_of_it(guangdong):
    bare = guangdong.declaration.hypothesis[0].model_copy(update={"source": ""})
    declaration = guangdong.declaration.model_copy(update={"hypothesis": (bare,)})
    assert type(declaration).model_validate_json(declaration.model_dump_json()) == declaration
