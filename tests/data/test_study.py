"""From a study folder to labelled design matrices."""

import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from plain import plain_declaration, plain_table, write_plain

from data import read_study
from data.errors import StudyError
from data.from_memory import study_from_table
from data.guangdong import FOLDER
from data.roles import PARTS
from data.study import with_slopes
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
        "attribute": 3,
        "city_category": 1,
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


def test_formula_values_are_those_of_numpy(study_folder, guangdong):
    write_plain(study_folder, guangdong)
    table = pd.read_csv(study_folder / "dyads.csv")
    design = with_formula(study_folder, "log(migrants) + proximity:mayor_ties")
    expected = np.column_stack([np.log(table["migrants"]), table.eval("proximity * mayor_ties")])
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


def test_the_digest_is_of_what_models_take(study_folder, guangdong):
    assert read_study(study_folder).digest == guangdong.digest
    stated = '[[hypothesis]]\nlabel = "More"\nterm = "mayor_ties"\npart = "degree"\n'
    path = study_folder / "study.toml"
    path.write_text(f'{path.read_text()}\n# more\n{stated}direction = "negative"\n')
    rewrite(study_folder, **{", 2021": ", 2022", '"zinb_srm"': '"zinb_crossed"'})
    (study_folder / "dyads.csv").write_bytes((study_folder / "dyads.csv").read_bytes() + b"\n")
    mended = read_study(study_folder)
    assert mended.digest == guangdong.digest
    assert mended.shown != guangdong.shown
    assert mended.words["title"] == guangdong.words["title"].replace("2021", "2022")


CHANGES = {
    "a count": lambda table: table.assign(services=table["services"].mask(table.index == 7, 9)),
    "a predictor": lambda table: table.assign(
        proximity=table["proximity"].mask(table.index == 7, -5.0)
    ),
    "a name": lambda table: table.replace("Zhuhai", "Macao"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_other_dyads_have_another_digest(study_folder, guangdong, change):
    write_plain(study_folder, guangdong)
    assert read_study(study_folder).digest == guangdong.digest
    table = pd.read_csv(study_folder / "dyads.csv")
    CHANGES[change](table).to_csv(study_folder / "dyads.csv", index=False)
    assert read_study(study_folder).digest != guangdong.digest


def test_the_order_of_dyads_is_part_of_the_digest(study_folder, guangdong):
    # the sums of a likelihood round otherwise, and a fit's arrays lie in that order
    table = pd.read_csv(study_folder / "dyads.csv", dtype=str)
    table.iloc[::-1].to_csv(study_folder / "dyads.csv", index=False)
    turned = read_study(study_folder)
    counts = turned.dyads["outcome"].sel(dyad=guangdong.dyads["dyad"])
    assert counts.equals(guangdong.dyads["outcome"])
    assert turned.digest != guangdong.digest


def test_formulas_and_slopes_are_parts_of_the_digest(study_folder, guangdong):
    sloped = with_slopes(guangdong, ["degree:sender:scale(proximity)"])
    with_formula(study_folder, "scale(proximity) + mayor_ties")
    digests = {guangdong.digest, sloped.digest, read_study(study_folder).digest}
    assert len(digests) == 3


def test_the_last_bits_of_a_design_are_no_part_of_the_digest(guangdong):
    # scale() and log() do not round alike on every machine
    dyads = guangdong.dyads
    near = dyads.assign(degree_design=np.nextafter(dyads["degree_design"], np.inf))
    assert not near.equals(dyads)
    assert replace(guangdong, dyads=near).digest == guangdong.digest
    other = dyads.assign(degree_design=dyads["degree_design"] * (1 + 1e-5))
    assert replace(guangdong, dyads=other).digest != guangdong.digest


def test_positions_are_those_of_the_city_table(guangdong):
    table = pd.read_csv(GUANGDONG / "cities.csv", index_col="city")
    dyads = guangdong.dyads
    for degrees in ("latitude", "longitude"):
        assert dyads[degrees].dims == ("city",)
        assert dyads[degrees].to_series().to_dict() == table[degrees].to_dict()


def test_positions_are_shown_and_no_model_takes_them(study_folder, guangdong):
    write_plain(study_folder, guangdong)
    path = study_folder / "study.toml"
    path.write_text(f'{path.read_text()}\n[cities]\nfile = "cities.csv"\n')
    before = read_study(study_folder)
    path = study_folder / "cities.csv"
    table = pd.read_csv(path)
    table.assign(latitude=table["latitude"] + 0.5).to_csv(path, index=False)
    after = read_study(study_folder)
    assert after.digest == before.digest
    assert after.shown != before.shown
    rewrite(study_folder, **{'[cities]\nfile = "cities.csv"\n': ""})
    bare = read_study(study_folder)
    assert bare.digest == before.digest
    assert "latitude" not in bare.dyads.coords


def test_positions_pass_through_a_file_and_change_no_prediction(guangdong, tmp_path):
    tree = xr.DataTree.from_dict({"constant_data": guangdong.dyads.drop_vars("outcome")})
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
    plain = plain_table(guangdong)
    without = study_from_table(plain, plain_declaration(guangdong), "guangdong")
    for name in guangdong.dyads.drop_dims(["attribute", "city_category"]).data_vars:
        np.testing.assert_array_equal(without.dyads[name], guangdong.dyads[name])
    assert without.digest == study.digest == guangdong.digest
    assert without.shown != study.shown


@pytest.mark.parametrize("value", [None, np.nan])
@pytest.mark.parametrize("column", ["sender", "proximity"])
def test_what_a_table_in_memory_lacks_is_named(guangdong, column, value):
    table = plain_table(guangdong).astype(object)
    table.loc[3, column] = value
    fault = "a city has no name" if column == "sender" else f"'{column}' is missing"
    with pytest.raises(StudyError, match=f"^mine: row 5: {fault}"):
        study_from_table(table, plain_declaration(guangdong), "mine")


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
