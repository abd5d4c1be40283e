"""Bad input ends the command with status 2 and one line that names the place and the remedy.

Every case spoils one thing of a good study and runs `interlocal sample` on it. Rows are numbered
as an editor numbers them: the header is row 1.
"""

import warnings

import pytest
from declared import TOML
from refusals import case, spoiled

from analysis import cli
from analysis.cli import main
from data.errors import ModelCaution
from data.study import read_study

CSV = """\
sender,receiver,services,near,years,kind
Ada,Bör,0,0.5,1,rail
Ada,Cam,3,1.5,2,road
Ada,Dun,1,0.7,1,road
Bör,Ada,0,0.5,3,rail
Bör,Cam,2,2.5,1,rail
Bör,Dun,0,0.1,2,road
Cam,Ada,7,1.5,1,road
Cam,Bör,0,2.5,1,road
Cam,Dun,4,0.9,2,rail
Dun,Ada,0,0.7,1,road
Dun,Bör,1,0.1,1,rail
Dun,Cam,0,0.9,2,road
"""
HEADER, *ROWS = CSV.splitlines(keepends=True)
ROW_6 = dict(zip(HEADER.strip().split(","), ROWS[4].strip().split(","), strict=True))

PLACED_TOML = TOML + '[cities]\nfile = "cities.csv"\n'
PLACES = """\
city,latitude,longitude
Ada,23.1,113.3
Bör,-89.9,-180
Elm,north,
Cam,90,180
Dun,0,0
"""

MODELS = "Valid: poisson_pooled, poisson_sender, poisson_receiver, poisson_crossed, "
COUNT = "a count is a whole number from 0 to 10^9"
EXPOSURE = "an exposure is a positive number"
COMPLETE = "complete the row or remove it"
ALIKE = "make the column all numbers or all text"
BLANK = "begins or ends with a blank; remove it"
CONTROL = "holds a newline or another control character; remove it"
MARKUP = "holds markup; write the plain name"
LOOKALIKE = "differ only in case or Unicode form; write one city one way"
EMPTY = "the table is empty; it needs a header and one row a dyad"


def write(path, text):
    """Write bytes as they are given; a lone surrogate stands for a byte that is not UTF-8."""
    path.write_bytes(text.encode("utf-8", "surrogateescape"))


def write_study(folder, toml=TOML, csv=CSV, places=PLACES):
    folder.mkdir()
    write(folder / "cities.csv", places)
    write(folder / "study.toml", toml)
    write(folder / "dyads.csv", csv)
    return folder


@pytest.mark.parametrize(
    "csv",
    [case("plain", CSV), case("CRLF", CSV.replace("\n", "\r\n")), case("BOM", "\ufeff" + CSV)],
)
def test_good_study_is_read(tmp_path, csv):
    study = read_study(write_study(tmp_path / "study", csv=csv))
    assert study.missing_dyads == 0
    assert study.dyads["outcome"].to_numpy().tolist() == [0, 3, 1, 0, 2, 0, 7, 0, 4, 0, 1, 0]
    assert study.dyads["degree_term"].to_numpy().tolist() == ["near", "kind[T.road]"]


def test_study_folder_and_its_files(tmp_path, refused):
    folder = tmp_path / "study"
    refused([folder], "study: not found; STUDY is a folder with a study.toml")
    write(folder, TOML)
    refused([folder], "study: is a file; STUDY is a folder with a study.toml")
    folder.unlink()
    (write_study(folder) / "dyads.csv").unlink()
    refused([folder], "dyads.csv: not found; [dyads] file in study.toml names it")
    (folder / "study.toml").unlink()
    refused([folder], "study.toml: not found; a study is a folder with a study.toml and a table")


@pytest.mark.parametrize(
    ("old", "new", "phrase"),
    [
        case(
            "newline", "Test study", "Test\\nstudy", "'title': holds a newline or another control"
        ),
        case("no models", '["zinb_srm"]', "[]", "'models': is empty; name at least one"),
        case("not TOML", "title =", "title", "not valid TOML: Expected '='"),
        case("not UTF-8", "Test", "T\udce9st", "not UTF-8 at byte 11; save it as UTF-8"),
        case("unknown key", "title", "modles = 1\ntitle", "'modles'; did you mean 'models'?"),
        case("in dyads", "exposure =", "expsure =", "expsure'; did you mean 'exposure'?"),
        case("in formula", "degree =", "dgree =", "dgree'; did you mean 'degree'?"),
        case("in hypothesis", "direc", "sorce = ''\ndirec", "sorce'; did you mean 'source'?"),
        case("needed key misspelt", "title =", "titel =", "'titel'; did you mean 'title'?"),
        case("no title", 'title = "Test study"\n', "", "key 'title' is missing"),
        case("no outcome", 'outcome = "services"\n', "", "key 'dyads.outcome' is missing"),
        case("no part", 'part = "degree"\n', "", "part' is missing"),
        case("sender", '= "sender"', '= "sendr"', "names; did you mean 'sender'?"),
        case("outcome", '"services"', '"service"', "did you mean 'services'?"),
        case("exposure", '"years"', '"yaers"', "did you mean 'years'?"),
        case("slope", "[formula]", "[slopes.degree]\nsender = ['neer']\n[formula]", "'near'?"),
        case("synthetic", '["near"]', '["nera"]', "did you mean 'near'?"),
        case("term", 'term = "near"', 'term = "neer"', "degree formula; did you mean 'near'?"),
        case("model", "zinb_srm", "zinb_smr", "'zinb_smr'; did you mean 'zinb_srm'? " + MODELS),
    ],
)
def test_declaration(tmp_path, refused, old, new, phrase):
    refused([write_study(tmp_path / "study", spoiled(TOML, old, new))], "study.toml", phrase)


@pytest.mark.parametrize(
    ("formula", "phrase"),
    [
        ("nera + kind", "'nera' is no column of the table and no function; did you mean 'near'?"),
        ("near + (kind", "does not parse"),
        ("(0)/near", "does not parse"),
        ("years ~ near", "write one right-hand side, without '~'"),
        ("~ near", "write one right-hand side, without '~'"),
        ("near - 1", "removes the intercept; every part has one, so take it back"),
        ("near + log1p(services)", "the outcome 'services' cannot predict itself"),
        ("near + exit()", "'exit' is no column of the table and no function"),
        ("near + I(near.sum())", "'near.sum' is not arithmetic"),
        ("near + I('far')", "cannot be computed: could not convert string to float: 'far'"),
        ("near + I('a' * 1000000000)", "''a'' is not a number"),
        ("near + {b'a'}", "'b'a'' is not a number"),
        ("near + {[1, 2]}", "'[1, 2]' is not a number"),
        ("near + I(near << 9)", "'near << 9' is not arithmetic"),
        ("near + {9 ** 9 ** 9}", "'9 ** 9 ** 9': write an exponent from -10 to 10"),
        ("near + I(9 ** 9)", "'9 ** 9' is a power of numbers alone; write its value"),
        ("near + I(near" + 50 * " ** 2" + ")", "…': write an exponent from -10 to 10"),
        ("near + I(1e999 * near)", "is not a number that can be computed with"),
        ("near ** 100000000", "raises terms to '100000000'; write a whole number from 1 to 10"),
        ("(near + years + kind + 1) ** 9", "makes 262144 combinations of terms; at most 10000"),
        ("poly(near, 10 ** 6)", "is a power of numbers alone; write its value"),
        ("poly(near, 1000000)", "degree is '1000000'; write a whole number up to 20"),
        ("bs(near, df=1000000)", "df is '1000000'; write a whole number up to 100"),
        ("hashed(kind, levels=1000000)", "levels is '1000000'; write a whole number up to 1000"),
        ("hashed(kind, 1000) + hashed(kind, 999)", "makes 2000 columns; at most 1000"),
        (
            "near + " + 1000 * "(" + "near" + 1000 * ")",
            "has 1000 brackets within each other; at most 20",
        ),
        ("near + {" + 5000 * "-" + "years}", "too many operators within each other"),
        ("near + " + 10_000 * " ", "has 10007 characters; at most 10000"),
        ("near + I([k for k in near])", "is not arithmetic; a formula is made of columns"),
        ("near + I(near * 1e200)", "beyond what can be computed with; change its unit"),
        ("near + I(near * 1e-200)", "beyond what can be computed with; change its unit"),
        ("near + I(0 * years)", "the predictor 'I(0 * years)' is constant; remove it"),
        ("near + I(1 + 2 * near)", "'I(1 + 2 * near)' is collinear with near; remove one"),
    ],
)
def test_formula(tmp_path, refused, formula, phrase):
    folder = write_study(tmp_path / "study", spoiled(TOML, "near + kind", formula))
    shown = formula if len(formula) < 200 else f"{formula[:200]}…"
    refused([folder], f"study.toml: [formula] degree = {shown!r}", phrase)


def test_constant_category(tmp_path, refused):
    folder = write_study(tmp_path / "study", csv=spoiled(CSV, "rail", "road"))
    refused([folder], "study.toml: [formula] degree", "'kind", "is constant; remove it")


def test_value_of_a_formula_that_is_infinite(tmp_path, refused):
    toml, csv = spoiled(TOML, "near + kind", "log(near)"), spoiled(CSV, "2,2.5,", "2,0,")
    folder = write_study(tmp_path / "study", toml, csv)
    refused([folder], "dyads.csv: row 6: ", "'log(near)' is missing or infinite")


@pytest.mark.parametrize(
    ("column", "value", "phrase"),
    [
        ("services", "-1", f"is negative; {COUNT}"),
        ("services", "1.5", f"is fractional; {COUNT}"),
        ("services", "two", f"is not a number; {COUNT}"),
        ("services", "\u0663", f"is not a number; {COUNT}"),
        ("services", "inf", f"is infinite; {COUNT}"),
        ("services", "1000000001", f"is over 10^9; {COUNT}"),
        ("services", "9007199254740993", f"is over 10^9; {COUNT}"),
        ("services", "3.00000000000000000000001", f"is fractional; {COUNT}"),
        ("near", "", f"'near' is missing; {COMPLETE}"),
        ("near", "-inf", f"'near' is infinite; {COMPLETE}"),
        ("near", "far", f"'near' is 'far', other rows hold numbers; {ALIKE}"),
        ("kind", "NA", f"'kind' is missing; {COMPLETE}"),
        ("kind", "7", ALIKE),
        ("years", "0", f"'years' is zero or negative; {EXPOSURE}"),
        ("years", "-1", f"'years' is zero or negative; {EXPOSURE}"),
        ("years", "1e-300", "'years' lies beyond 1e-100 to 1e100; change its unit"),
        ("years", "", f"'years' is missing; {EXPOSURE}"),
        ("sender", "Cam", "a city is paired with itself; remove the row"),
        ("sender", "B\udcf6r", "not UTF-8; save the table as UTF-8"),
        ("sender", "", "a city has no name"),
        ("sender", " Bör", BLANK),
        ("sender", "Bör ", BLANK),
        ("sender", "BÖR", LOOKALIKE),
        ("sender", "Bo\u0308r", LOOKALIKE),
        ("sender", "Bör & Cam", "which join two names; write it another way"),
        ("sender", "B\u200br", CONTROL),
        ("sender", "<b>x</b>", MARKUP),
        ("sender", "[bold]x[/bold]", MARKUP),
        ("sender", '"B\nor"', CONTROL),
        ("sender", "B\x1b[31mor", CONTROL),
        ("sender", "B\0or", CONTROL),
        ("kind", "rail,", "7 fields where the header has 6; put quotes around text"),
        ("kind", '"rail"y', "not valid CSV"),
    ],
)
def test_value_in_row_6(tmp_path, refused, column, value, phrase):
    row = ",".join((ROW_6 | {column: value}).values())
    folder = write_study(tmp_path / "study", csv=spoiled(CSV, ROWS[4], row + "\n"))
    refused([folder], "dyads.csv: row 6: ", phrase)


@pytest.mark.parametrize(
    ("old", "new", "rows", "phrase"),
    [
        case("twice", "Bör,Cam", "Bör,Ada", "rows 5, 6", "stands more than once; keep one row"),
        case("many", ",0,", ",-1,", "rows 2, 5, 7 and 3 more", f"is negative; {COUNT}"),
        case("unequal", "2.5,1,", "2.5,1e13,", "rows 2, 6", "goes from 1 to 1e+13; the largest"),
        # a quoted newline and a blank line each take a line of their own
        case("newline", ",3,rail\nBör,Cam,", ',3,"ra\nil"\nBör,Cam,-', "row 7", COUNT),
        case("blank line", "Bör,Cam,", "\nBör,Cam,-", "row 7", COUNT),
    ],
)
def test_rows(tmp_path, refused, old, new, rows, phrase):
    folder = write_study(tmp_path / "study", csv=spoiled(CSV, old, new))
    refused([folder], f"dyads.csv: {rows}: ", phrase)


@pytest.mark.parametrize(
    ("csv", "phrase"),
    [
        case("zeros", HEADER + "A,B,0,1,1,x\nB,C,0,2,2,y\nC,A,0,1,3,x", "every 'services' is 0"),
        case("two cities", HEADER + ROWS[0] + ROWS[3], "only 2 cities; city effects need at least"),
        case("header only", HEADER, EMPTY),
        case("empty", "", EMPTY),
        case("repeated", CSV.replace("kind", "near"), "column 'near' stands twice in the header"),
    ],
)
def test_table(tmp_path, refused, csv, phrase):
    refused([write_study(tmp_path / "study", csv=csv)], "dyads.csv: ", phrase)


def test_good_city_table_is_read(tmp_path):
    dyads = read_study(write_study(tmp_path / "study", PLACED_TOML)).dyads
    # in the order of the cities, without the city that no dyad has
    assert dyads["city"].to_numpy().tolist() == ["Ada", "Bör", "Cam", "Dun"]
    assert dyads["latitude"].to_numpy().tolist() == [23.1, -89.9, 90, 0]
    assert dyads["longitude"].to_numpy().tolist() == [113.3, -180, 180, 0]


@pytest.mark.parametrize(
    ("old", "new", "phrase"),
    [
        case("twice", "Elm,north,", "Ada,1,2", "rows 2, 4: a city stands more than once; keep one"),
        case("none", "Cam,90,180\n", "", "no row for city 'Cam'; "),
        case("near", "Bör", "BÖR", "no row for city 'Bör'; did you mean 'BÖR'? Needed: a row for"),
        case("several", "Cam,90,180\nDun,0,0\n", "", "no row for city 'Cam' and 1 more; "),
        case("south", "-89.9", "-90.1", "row 3: 'latitude' is beyond 90; a latitude is a"),
        case("east", "90,180", "90,180.5", "row 5: 'longitude' is beyond 180; a longitude is a"),
        case("missing", "90,180", "90,NA", "row 5: 'longitude' is missing; "),
        case("text", "-89.9", "89.9S", "row 3: 'latitude' is not a number; "),
        case("infinite", "-89.9", "inf", "row 3: 'latitude' is infinite; "),
        case("column", "latitude", "lat", "no column 'latitude'; name it in study.toml, [cities] "),
        case("not CSV", "Dun,0,0", "Dun,0", "row 6: 2 fields where the header has 3"),
        case("not UTF-8", "Elm", "\udce9lm", "row 4: not UTF-8; save the table as UTF-8"),
        case("empty", PLACES, "city,latitude,longitude\n", "a header and one row a city"),
    ],
)
def test_city_table(tmp_path, refused, old, new, phrase):
    places = spoiled(PLACES, old, new)
    refused([write_study(tmp_path / "study", PLACED_TOML, places=places)], "cities.csv: ", phrase)


@pytest.mark.parametrize(
    ("old", "new", "phrase"),
    [
        case("no file", "cities.csv", "places.csv", "not found; [cities] file in study.toml"),
        case("key", "[cities]", "[cities]\nlattitude = 'y'", "did you mean 'latitude'?"),
        case("no key", 'file = "cities.csv"\n', "", "key 'cities.file' is missing; add it"),
        case("column", "[cities]", "[cities]\nlongitude = 'lon'", "no column 'lon', which study"),
    ],
)
def test_declared_city_table(tmp_path, refused, old, new, phrase):
    refused([write_study(tmp_path / "study", spoiled(PLACED_TOML, old, new))], phrase)


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("extends default", "not valid TOML: Expected '='"),
        ("# \udcff", "not UTF-8 at byte 3"),
        ('[ceof]\ndist = "Normal"', "no parameter 'ceof'; did you mean 'coef'?"),
        ('[coef]\ndist = "Norml"', "no distribution 'Norml' for it; did you mean 'Normal'?"),
        ('[coef]\ndist = ["Normal"]', "[coef]: no distribution"),
        ('[coef]\ndist = "Normal"\nsgma = 1', "no argument 'sgma'; did you mean 'sigma'?"),
        ('[sd]\ndist = "Normal"\nsigma = 1', "values of kind 'sd' lie between 0 and inf"),
        ('[coef]\ndist = "Normal"\nsigma = inf', "sigma = inf is not a finite number"),
        ('[coef]\ndist = "Normal"\nsigma = 1' + 400 * "0", "is not a finite number"),
        ('[coef]\ndist = "Normal"\nsigma = 0', "[coef]: Normal refuses its arguments"),
        ('[coef]\ndist = "Normal"', "mine.toml: no prior for 'selection_intercept'; add"),
        ('[sd]\ndist = "HalfNormal"\nsigma = -1', "[sd]: HalfNormal refuses its arguments"),
        ('extends = "parent.toml"', "extends itself, by way of its parents"),
        ('extends = "defalt"', "no prior set 'defalt'; did you mean 'default'?"),
        ("x = " + 5000 * "[", "not valid TOML: too many brackets within each other"),
        (2**20 * " " + " ", "has 1 MiB; at most 1 are read"),
    ],
)
def test_prior_file(tmp_path, refused, text, phrase):
    write(tmp_path / "mine.toml", text)
    write(tmp_path / "parent.toml", 'extends = "mine.toml"')
    folder = write_study(tmp_path / "study")
    refused([folder, "--priors", tmp_path / "mine.toml"], "mine.toml", phrase)


@pytest.mark.parametrize(
    ("option", "value", "phrase"),
    [
        ("--model", "zinb_smr", "no model 'zinb_smr'; did you mean 'zinb_srm'? " + MODELS),
        ("--model", "zinb_srm, xyz", "no model 'xyz'; " + MODELS),
        (
            "--priors",
            "defalt",
            "'defalt'; did you mean 'default'? Valid: ",
        ),
        ("--priors", "none.toml", "none.toml: not found; give a set by name"),
        ("--draws", "0", "draws is 0; it lies between 4 and 1000000"),
        ("--chains", "0", "chains is 0; it lies between 1 and 1000"),
        ("--target-accept", "1.5", "target_accept is 1.5; it lies between 0 and 1"),
        ("--seed", "-1", "'--seed': Input should be greater than or equal to 0"),
        ("--seed", str(2**70), "'--seed': Input should be less than or equal to "),
        ("--slope", "degree:sender:a\nb", "slopes: 'degree:sender:a\\nb'; write part:side:term"),
        ("--priors", 5000 * "x", "no prior set 'xxx"),
        ("--priors", 5000 * "x" + ".toml", "cannot be read: File name too long"),
        ("--drws", "9", "No such option: --drws (Possible options: --draws)"),
        ("--draws", "ten", "Invalid value for '--draws': Input should be a valid integer"),
    ],
)
def test_option(tmp_path, refused, option, value, phrase):
    refused([write_study(tmp_path / "study"), option, value], phrase)


@pytest.mark.parametrize("name", ["..", "maximum_likelihood", "wide", ".hidden", "a\tb"])
def test_name_of_a_prior_file(tmp_path, refused, name):
    write(tmp_path / f"{name}.toml", 'extends = "default"')
    folder = write_study(tmp_path / "study")
    refused([folder, "--priors", tmp_path / f"{name}.toml"], "cannot name a prior set")


def test_name_of_a_study_that_other_results_have(tmp_path, refused):
    refused([write_study(tmp_path / "sbc")], "sbc: a study cannot be named 'sbc'")


def test_files_without_end(tmp_path, refused):
    write(tmp_path / "mine.toml", 'extends = "/dev/zero"')
    good = write_study(tmp_path / "good")
    refused([good, "--priors", tmp_path / "mine.toml"], "/dev/zero: is not a file; name one")
    folder = write_study(
        tmp_path / "study", spoiled(TOML, "[dyads]", '[dyads]\nfile = "/dev/zero"')
    )
    refused([folder], "/dev/zero: is not a file; name one that is")
    folder = write_study(tmp_path / "large")
    with (folder / "dyads.csv").open("r+b") as file:
        file.truncate(300 * 2**20)
    refused([folder], "dyads.csv: has 300 MiB; at most 256 are read")


def test_paths_that_are_too_long(tmp_path, refused):
    long = 5000 * "x"
    refused([long], "File name too long")
    refused([write_study(tmp_path / "study")], "File name too long", results=long)


# names of arguments of pandas, xarray and formulaic, and of what formulas know
@pytest.mark.parametrize("name", ["self", "data", "x", "index", "context", "log", "np", "None"])
def test_columns_may_have_any_name(tmp_path, name):
    declared = (("near + kind", f"`{name}`"), ('"near"', f'"{name}"'), ("services", "self"))
    toml, csv = TOML, CSV
    for old, new in declared[: 2 if name == "self" else 3]:
        toml = spoiled(toml, old, new)
    for old, new in (("near", name), ("services", "services" if name == "self" else "self")):
        csv = spoiled(csv, old, new)
    dyads = read_study(write_study(tmp_path / "study", toml, csv)).dyads
    assert dyads["degree_term"].to_numpy().tolist() == [name]
    assert dyads["outcome"].to_numpy().tolist() == [0, 3, 1, 0, 2, 0, 7, 0, 4, 0, 1, 0]


def test_results_folder_under_a_file(tmp_path, refused):
    folder, file = write_study(tmp_path / "study"), tmp_path / "file"
    write(file, "kept")
    refused([folder], "file/x", "choose another folder with RESULTS=", results=file / "x")
    assert file.read_text(encoding="utf-8") == "kept"


def test_a_warning_of_a_library_is_one_line_and_ours_is_none(capsys, monkeypatch):
    def warns(**_):
        warnings.warn("overflow\n  encountered", RuntimeWarning, stacklevel=1)
        warnings.warn("needs care, as the summary says", ModelCaution, stacklevel=1)

    monkeypatch.setattr(cli, "_commands", lambda: warns)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        assert main([]) == 0
        assert warnings.filters[0][0] == "default"  # as it was
    assert capsys.readouterr().err == "warning: RuntimeWarning: overflow encountered\n"
