"""Outcomes that are of another kind than the models take end in one line that names the row."""

import pandas as pd
import pytest
from refusals import case

from analysis.cli import main

HEAD = "i,j,y,n,x\n"
GOOD = ["a,b,1,4,0.1", "b,a,0,2,0.4", "a,c,1,3,0.3", "c,a,0,1,0.9", "b,c,1,9,0.2", "c,b,0,1,0.5"]


@pytest.fixture
def study(tmp_path):
    """Give a function: model, changed rows and further keys to a study's folder."""

    def make(model, changed=(), columns="", top=""):
        rows = list(GOOD)
        for number, row in changed:
            rows[number] = row
        folder = tmp_path / "study"
        folder.mkdir(exist_ok=True)
        (folder / "dyads.csv").write_text(HEAD + "\n".join(rows) + "\n", encoding="utf-8")
        (folder / "study.toml").write_text(
            f'title = "Made up"\nmodels = ["{model}"]\n{top}\n[dyads]\n'
            f'sender = "i"\nreceiver = "j"\noutcome = "y"\n{columns}\n',
            encoding="utf-8",
        )
        return folder

    return make


TRIALS = 'trials = "n"'
ALL_ONES = [(k, row.replace(",0,", ",1,", 1)) for k, row in enumerate(GOOD)]
CASES = [
    case("a tie of two", "bernoulli_srm", [(2, "a,c,2,3,0")], "", ["row 4", "over 1; a tie is 0"]),
    case("a negative tie", "bernoulli_srm", [(2, "a,c,-1,3,0")], "", ["row 4", "negative; a tie"]),
    case("half a tie", "bernoulli_srm", [(0, "a,b,0.5,3,0")], "", ["row 2", "fractional; a tie"]),
    case(
        "text", "bernoulli_probit_srm", [(1, "b,a,yes,3,0")], "", ["row 3", "not a number; a tie"]
    ),
    case("only ties", "bernoulli_srm", ALL_ONES, "", ["every 'y' is 1", 'absent = "zero"']),
    case("no trials", "binomial_srm", [], "", ["name the column of trials under [dyads]"]),
    case(
        "more successes than trials",
        "binomial_crossed",
        [(4, "b,c,10,9,0")],
        TRIALS,
        ["row 6", "'y' is more than 'n'"],
    ),
    case("no trial", "binomial_srm", [(1, "b,a,0,0,0")], TRIALS, ["row 3", "'n' is below 1"]),
    case("half a trial", "betabinomial_srm", [(1, "b,a,0,1.5,0")], TRIALS, ["row 3", "fractional"]),
    case("trials lack", "betabinomial_srm", [(1, "b,a,0,,0")], TRIALS, ["row 3", "'n' is missing"]),
    case("another column", "binomial_srm", [], 'trials = "m"', ["no column 'm'"]),
    case("negative successes", "binomial_srm", [(0, "a,b,-1,4,0")], TRIALS, ["row 2", "negative"]),
    case("trials of counts", "nb_srm", [], TRIALS, ["trials are of models of successes"]),
    case("an infinite amount", "normal_srm", [(3, "c,a,inf,1,0")], "", ["row 5", "infinite"]),
    case(
        "a far amount", "normal_srm", [(3, "c,a,1e101,1,0")], "", ["row 5", "an amount is a number"]
    ),
    case(
        "no amount", "normal_srm", [(3, "c,a,much,1,0")], "", ["row 5", "not a number; an amount"]
    ),
    case("one amount", "normal_srm", ALL_ONES, "", ["every 'y' is the same"]),
    case("an exposure of ties", "bernoulli_srm", [], 'exposure = "n"', ["takes no exposure"]),
    case(
        "a fractional count", "hurdle_poisson_srm", [(0, "a,b,1.5,4,0")], "", ["row 2", "a count"]
    ),
    case("a count without zeros", "hurdle_poisson_srm", ALL_ONES, "", ["no 'y' is 0"]),
]


@pytest.mark.parametrize(("model", "changed", "columns", "phrases"), CASES)
def test_a_bad_outcome_is_one_line(study, refused, model, changed, columns, phrases):
    refused([study(model, changed, columns)], *phrases)


def test_a_link_is_of_ties_and_successes(study, refused):
    refused([study("nb_srm", top='link = "probit"')], "a link is of models of ties")
    refused([study("bernoulli_srm", top='link = "cloglog"')], "link", "'logit' or 'probit'")


def test_a_model_that_is_asked_for_is_held_to_the_outcome_too(study, refused):
    folder = study("nb_srm", [(0, "a,b,7,4,0")])
    refused([folder, "--model=bernoulli_srm"], "bernoulli_srm: the 'y' of a -> b is 7; a tie is 0")
    refused([folder, "--model=binomial_srm"], "name the column of trials")
    folder = study("normal_srm", [(0, "a,b,-0.5,4,0")])
    refused([folder, "--model=nb_srm"], "nb_srm: the 'y' of a -> b is -0.5; a count is")


def test_a_good_study_of_each_kind_is_fitted(study, tmp_path):
    results = f"--results={tmp_path / 'results'}"
    made = [("bernoulli", ""), ("binomial", TRIALS), ("betabinomial", TRIALS), ("normal", "")]
    for family, columns in made:
        arguments = ["mle", str(study(f"{family}_pooled", columns=columns)), results, "--force"]
        assert main([*arguments, "--permutations=0"]) in (0, 3)
        table = tmp_path / "results" / "study" / "maximum_likelihood" / f"{family}_pooled.csv"
        assert len(pd.read_csv(table))
