"""Made-up studies, prior files and options: a command does what is asked, or says why in a line."""

import os
import re
import shutil

import pytest
from command_line import run
from declared import TOML
from hypothesis import given, settings
from hypothesis import strategies as st
from many import many
from networks import WAYS, network, write_way

from data import read_study
from data.errors import ResultsError, StudyError
from models import simulate_study
from models.simulation.simulate import write_simulated

pytestmark = pytest.mark.slow

SLOPES = '[slopes.degree]\nsender = ["near"]\n'
DECLARED = TOML.replace("[[hypothesis]]", f"{SLOPES}[[hypothesis]]")
LAYOUT = """\
[cities]
file = "cities.csv"
city = "city"
[matrices]
far = "far.csv"
[predictors]
apart = "log(distance_km())"
[formula]
"""
LAID_OUT = DECLARED.replace("[formula]\n", LAYOUT).replace(
    'exposure = "years"\n',
    'exposure = "years"\nabsent = "missing"\nmissing = "refuse"\nlayout = "rows"\n',
)
CITIES = """\
city,latitude,longitude,size,region
A,1.5,2.5,10,east
B,2.5,1.5,20,west
C,-3,40,40.5,east
D,0,0,7,west
"""
FAR = ",A,B,C,D\nA,0,1,2,3\nB,1,0,4,5\nC,2,4,0,6\nD,3,5,6.5,0\n"
EDGES = "sender,receiver,services\nA,B,2\nB,C,1\nD,A,3\n"
HEADER = ["sender", "receiver", "services", "near", "years", "kind"]
ROWS = [
    [i, j, str((3 * a + b) % 5), f"{abs(a - b)}.5", str(1 + b), "rail" if b % 2 else "road"]
    for a, i in enumerate("ABCD")
    for b, j in enumerate("ABCD")
    if i != j
]
TABLE = "\n".join(",".join(row) for row in [HEADER, *ROWS])
PRIORS = """\
extends = "default"
[degree_coef.near]
dist = "Normal"
mu = 0.3
sigma = 0.15
"""

atoms = st.sampled_from(
    [
        *("near", "kind", "years", "sender", "services", "self", "`near`", "near.real", "x", "."),
        *("0", "1", "-1", "2", "10", "1e9", "1e300", "1e-300", "1e999", "0e9999999999", "9" * 30),
        *("0x10", "1_000", "1j", "nan", "inf", "None", "True", "'a'", '"b"', "b'a'", "[1]", "()"),
        *(
            "size",
            "region",
            "city",
            "far",
            "apart",
            "distance_km()",
            "same(region)",
            "sender(size)",
        ),
        *("lambda: 1", "__import__('os')", "near[0]", "{near}", "I", "C", "np", "np.log"),
    ]
)
operators = st.sampled_from(["+", "-", "*", "/", ":", "**", "^", "%in%", "|", "~", ",", "=", " "])
functions = st.sampled_from(
    [
        *(
            "log",
            "exp",
            "I",
            "C",
            "scale",
            "center",
            "poly",
            "bs",
            "cr",
            "lag",
            "hashed",
            "np.sqrt",
        ),
        *(
            "f",
            "sender",
            "receiver",
            "same",
            "differs",
            "absdiff",
            "difference",
            "total",
            "product",
        ),
        *("overlap", "distance_km", "round", "signif"),
    ]
)
formulas = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, operators, inner).map("".join),
        st.tuples(functions, inner).map(lambda made: f"{made[0]}({made[1]})"),
        st.tuples(functions, inner, inner).map(lambda made: f"{made[0]}({made[1]}, {made[2]})"),
        inner.map(lambda made: f"({made})"),
        inner.map(lambda made: f"{{{made}}}"),
    ),
    max_leaves=6,
)
texts = st.one_of(st.text(max_size=12), formulas, st.binary(max_size=8).map(repr))
cells = st.one_of(atoms, st.sampled_from(["", "NA", " A", "a", "Ä", "=1+1", "<b>x</b>"]), texts)
values = st.one_of(
    texts.map(repr),
    st.integers().map(str),
    st.sampled_from(["true", "1e999", "nan", "[]", "{}", "1979-05-27", "[[1]]", "''", '"\\u0000"']),
)
places = st.integers(0, 10**6)


@st.composite
def changed(draw, text):
    """Change a text: the values of some lines, whole lines, or any characters."""
    lines = text.splitlines()
    for _ in range(draw(st.integers(0, 3))):
        at = draw(places) % len(lines)
        key, is_value, _ = lines[at].partition(" = ")
        match draw(st.integers(0, 4)):
            case 0 | 1 if is_value:
                lines[at] = f"{key} = {draw(values)}"
            case 2:
                lines[at] = draw(texts)
            case 3:
                lines.insert(at, lines[draw(places) % len(lines)])
            case _:
                cut = draw(places) % (len(lines[at]) + 1)
                lines[at] = lines[at][:cut] + draw(st.text(max_size=3)) + lines[at][cut + 1 :]
    return "\n".join(lines)


@st.composite
def declarations(draw):
    text = draw(st.sampled_from([DECLARED, LAID_OUT]))
    for key in ("absent = ", "missing = ", "layout = "):
        if draw(st.booleans()):
            value = {"absent = ": "zero", "missing = ": "drop", "layout = ": "matrix"}[key]
            text = re.sub(rf"(?m)^{key}.*$", f'{key}"{value}"', text)
    for part in ("selection", "degree", "apart"):
        lines = [line for line in text.splitlines() if line.startswith(f"{part} = ")]
        if lines and draw(st.booleans()):
            (line,) = lines
            text = text.replace(line, f"{part} = {quoted(draw(formulas))}")
    return draw(changed(text)) if draw(st.booleans()) else text


@st.composite
def tables(draw):
    rows = [list(row) for row in [HEADER, *ROWS]]
    for _ in range(draw(st.integers(0, 3))):
        row = draw(places) % len(rows)
        match draw(st.integers(0, 5)):
            case 0 | 1 | 2:
                rows[row][draw(places) % len(rows[row])] = draw(cells)
            case 3:
                rows.insert(row, list(rows[draw(places) % len(rows)]))
            case 4:
                rows[row] = rows[row][: draw(places) % (len(rows[row]) + 1)] or [""]
            case _:
                column, value = draw(places) % len(HEADER), draw(cells)
                for each in rows[1:]:
                    each[column % len(each)] = value
    return "\n".join(",".join(row) for row in rows)


def quoted(text):
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def written(path, text):
    path.write_bytes(text.encode("utf-8", "surrogatepass"))


def check(status, said, complained):
    """See that a command did its work, or said in one line why not."""
    if status == 2:
        *warned, line = complained.splitlines()
        assert line.startswith("error: ")
        assert all(each.startswith("warning: ") for each in warned)
        assert said == ""
    else:
        assert status == 0
    assert "Traceback" not in said + complained


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("made") / "study"
    place.mkdir()
    return place


@many
@given(
    declaration=declarations(),
    table=st.one_of(st.sampled_from([TABLE, EDGES, FAR]), tables()),
    cities=st.one_of(st.just(CITIES), changed(CITIES)),
    far=st.one_of(st.just(FAR), changed(FAR)),
)
def test_any_study(folder, declaration, table, cities, far):
    files = {"study.toml": declaration, "dyads.csv": table, "cities.csv": cities, "far.csv": far}
    for name, text in files.items():
        written(folder / name, text)
    check(*run("priors", folder))
    assert sorted(path.name for path in folder.iterdir()) == sorted(files)


@many
@given(text=changed(PRIORS))
def test_any_prior_file(folder, study_read_once, text):
    written(folder / "study.toml", DECLARED)
    written(folder / "dyads.csv", TABLE)
    path = folder.parent / "mine.toml"
    written(path, text)
    check(*run("priors", folder, f"--priors={path}"))


@pytest.fixture(scope="module")
def files_of_programs(tmp_path_factory):
    """Give the bytes of a good network in every kind of file."""
    place = tmp_path_factory.mktemp("good")
    kinds = ("rows", "matrix", "xlsx", "ods", "parquet", "graphml", "gexf", "pajek", "dta", "sav")
    for kind in kinds:
        folder = write_way(place / kind, network(), kind)
        shutil.copy(folder / WAYS[kind].file, folder / "good")
    return [place / kind for kind in kinds]


@settings(many, max_examples=many.max_examples // 8)
@given(kind=places, changes=st.lists(st.tuples(places, st.binary(max_size=4)), max_size=4))
def test_any_bytes(files_of_programs, kind, changes):
    """Whatever the bytes of a file are, it is read, or refused as a study is."""
    # a file of Stata or SPSS takes a process, and is one in twenty
    here, apart = files_of_programs[:-2], files_of_programs[-2:]
    folder = here[kind % len(here)] if kind % 20 else apart[kind % 40 // 20]
    content = bytearray((folder / "good").read_bytes())
    for at, new in changes:
        place = at % (len(content) + 1)
        content[place : place + len(new)] = new
        if not new:
            del content[place:]
    (path,) = (path for path in folder.iterdir() if path.name.casefold().startswith("d."))
    path.write_bytes(content)
    try:
        read_study(folder)
    except StudyError as error:
        assert "\n" not in str(error)  # noqa: PT017 - what else it raises is the fault


def test_any_new_study(folder, tmp_path_factory):
    """`interlocal new` makes a study of a table, or says why not."""
    place = tmp_path_factory.mktemp("new")

    @settings(many, max_examples=many.max_examples // 8)
    @given(table=st.one_of(changed(TABLE), changed(EDGES), changed(FAR)), cities=changed(CITIES))
    def make(table, cities):
        written(place / "d.csv", table)
        written(place / "c.csv", cities)
        shutil.rmtree(place / "s", ignore_errors=True)
        status, said, complained = run(
            "new", place / "s", f"--from={place / 'd.csv'}", f"--cities={place / 'c.csv'}"
        )
        check(status, "" if status == 2 else said, complained)
        assert (place / "s").exists() == (status == 0)
        if status == 0:
            read_study(place / "s")

    make()


OPTIONS = {
    "sample": ["model", "priors", "seed", "draws", "tune", "chains", "target-accept", "sampler"],
    "compare": ["model", "priors", "unit", "scheduler"],
    "new": ["from", "cities", "outcome", "title"],
    "mle": ["model", "errors", "permutations", "seed"],
    "sensitivity": ["model", "priors", "seed", "draws"],
    "table": ["model", "priors"],
    "figures": ["model", "priors", "backend"],
    "report": ["model", "priors"],
    "priors": ["model", "priors"],
    "simulate": ["model", "cities", "seed", "out"],
    "sbc": ["model", "replicates", "cities", "priors", "seed", "draws", "slope", "target-accept"],
}
given_values = st.one_of(
    st.sampled_from(
        [
            *("", " ", "-1", "0", "3", "1e9", "nan", "inf", "9" * 40, "--help"),
            *("-", "..", "/", "~", "nb_pooled", "zinb_srm nb_srm", "nb_srm,nb_srm"),
            *("default", "wide", "dyad", "pair,city"),
            *("numpyro", "plotly", "tcp://", "degree:sender:near", "degree:sender:", "jackknife"),
            *("x" * 300, "x" * 5000, "a/b.toml", "../x.toml", "/dev/null", "/dev/zero"),
        ]
    ),
    st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=10),
    st.integers().map(str),
    st.floats().map(str),
)


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    study = tmp_path_factory.mktemp("simulated") / "study"
    write_simulated(*simulate_study(4, "nb_pooled", seed=1), study)
    return study


@pytest.fixture
def stops(monkeypatch):
    """Let commands stop where their work would begin."""

    def reached(*_, **__):
        raise ResultsError("the work would begin")

    for name in (
        "models.inference.sample_to_files.prepared_models",
        "models.frequentist.files.maximum_likelihood",
        "models.work.pieces.Pieces.make",
        "models.simulation.simulate.making_folder",
    ):
        monkeypatch.setattr(name, reached)


@settings(many, max_examples=many.max_examples // 4)
@given(
    command=st.sampled_from(list(OPTIONS)),
    chosen=st.lists(st.tuples(places, given_values), max_size=3),
    wrong=st.lists(given_values, max_size=1),
)
def test_any_option(simulated, stops, command, chosen, wrong):
    names = OPTIONS[command]
    options = [f"--{names[at % len(names)]}={value}" for at, value in chosen]
    if command == "simulate" and not any(option.startswith("--out") for option in options):
        options.append(f"--out={simulated.parent / 'made'}")
    place = [] if command in ("simulate", "sbc") else [simulated]
    results = simulated.parent / "results"
    kept = [] if command in ("new", "simulate", "priors") else [f"--results={results}"]
    status, said, complained = run(command, *place, *options, *kept, *wrong)
    check(status, "" if status == 2 else said, complained)
    assert [files for _, _, files in os.walk(results) if files] == []
    shutil.rmtree(results, ignore_errors=True)
