"""The table of distributions against PyMC, which the table is read without."""

import inspect
import itertools
import math
import subprocess
import sys

import numpy as np
import pymc as pm
import pytest
from pymc.distributions.transforms import _default_transform
from pymc.logprob.transforms import IntervalTransform, LogOddsTransform, LogTransform

from data.errors import PriorError
from models.priors.distributions import DISTRIBUTIONS, HORSESHOE
from models.priors.prior import parse_prior

OF_PYMC = [name for name in DISTRIBUTIONS if name not in ("LKJCorr", HORSESHOE)]
# no density, a curve of its own, a circle, a helper of another model
LEFT_OUT = {"Continuous", "Flat", "HalfFlat", "Interpolated", "VonMises", "PolyaGamma"}
VALUES = {"lower": 0.1, "upper": 3.1, "c": 1.1, "mu": 0.6, "sigma": 0.3, "q": 0.7}
LENIENT = ("Beta", "Gamma", "InverseGamma")  # PyMC takes one way and ignores what is of another


def values(way):
    """Give arguments to try; those in brackets too."""
    names = way.replace("[", "").replace("]", "").split()
    return {name: VALUES.get(name, 1.7) for name in names}


WAYS = [(name, way) for name in OF_PYMC for way in DISTRIBUTIONS[name].ways]


def is_proper(name, arguments):
    """Tell whether PyMC can draw, and gives the draw a density."""
    try:
        arrays = {key: np.asarray(float(value)) for key, value in arguments.items()}
        variable = getattr(pm, name).dist(**arrays)
        draw = pm.draw(variable, random_seed=0, mode="FAST_COMPILE")
        return math.isfinite(pm.logp(variable, draw).eval(mode="FAST_COMPILE"))
    except Exception:  # noqa: BLE001 - PyMC, PyTensor and NumPy each raise their own
        return False


def test_the_table_has_every_univariate_continuous_distribution():
    theirs = {
        name
        for name, member in vars(pm.distributions.continuous).items()
        if inspect.isclass(member)
        and issubclass(member, pm.distributions.Continuous)
        and hasattr(pm, name)
    }
    assert theirs - LEFT_OUT == set(OF_PYMC)


@pytest.mark.parametrize("name", OF_PYMC)
def test_arguments_are_those_of_pymc_and_go_together_as_there(name):
    known = DISTRIBUTIONS[name]
    theirs = set(inspect.signature(getattr(pm, name).dist).parameters) - {"args", "kwargs"}
    assert set(known.arguments) == theirs
    for size in range(len(known.arguments) + 1):
        for names in itertools.combinations(known.arguments, size):
            given = {key: np.asarray(VALUES.get(key, 1.7)) for key in names}
            try:
                getattr(pm, name).dist(**given)
            except (TypeError, ValueError, NotImplementedError):
                assert not known.takes(given), names
            else:
                assert known.takes(given) or name in LENIENT, names


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_supports_are_those_of_pymcs_transforms(name, way):
    needed = {key: value for key, value in values(way).items() if key in way.split()}
    for arguments in (needed, values(way)):
        prior = parse_prior({"dist": name, **arguments}, "intercept", "mine")
        assert is_proper(name, arguments)
        variable = prior.dist()
        transform = _default_transform(variable.owner.op, variable)
        if isinstance(transform, LogTransform):
            expected = 0, math.inf
        elif isinstance(transform, LogOddsTransform):
            expected = 0, 1
        elif isinstance(transform, IntervalTransform):
            lower, upper = transform.args_fn(*variable.owner.inputs)
            expected = (
                -math.inf if lower is None else float(lower.eval()),
                math.inf if upper is None else float(upper.eval()),
            )
        else:
            assert transform is None
            expected = -math.inf, math.inf
        assert prior.support == expected


@pytest.mark.parametrize(("name", "way"), WAYS)
def test_what_pymc_refuses_of_one_argument_is_refused_and_named(name, way):
    for argument, value in itertools.product(values(way), (-1.0, 0.0, 1.0)):
        arguments = values(way) | {argument: value}
        try:
            parse_prior({"dist": name, **arguments}, "intercept", "mine")
        except PriorError as error:
            assert argument in str(error)  # noqa: PT017 - not raised for most
            assert not is_proper(name, arguments)
        else:
            assert is_proper(name, arguments)


@pytest.mark.parametrize(
    ("entry", "phrase"),
    [
        ({"dist": "Uniform", "lower": 2, "upper": 2}, "lower = 2 is not below upper = 2"),
        ({"dist": "TruncatedNormal", "lower": 3, "upper": 1}, "lower = 3 is not below upper = 1"),
        ({"dist": "Triangular", "c": 2}, "c = 2 is not between lower and upper"),
        ({"dist": "Beta", "mu": 0.5, "sigma": 0.5}, "sigma = 0.5 is not below 0.5"),
        ({"dist": "Normal", "mu": math.nan}, "mu = nan is not a finite number"),
        ({"dist": "Normal", "sigma": -math.inf}, "sigma = -inf is not a finite number"),
        ({"dist": "Normal", "sigma": "1"}, "sigma = 1 is not a finite number"),
        ({"dist": "Gamma", "alpha": 1}, "Gamma needs alpha, beta; or mu, sigma"),
        ({"dist": "Normal", "sigma": 1, "tau": 1}, r"Normal needs \[mu\], \[sigma\]; or"),
        ({"dist": "LKJCorr", "eta": 1}, "it is a prior of correlations"),
    ],
)
def test_a_refusal_says_what_would_be_right(entry, phrase):
    with pytest.raises(PriorError, match=phrase):
        parse_prior(entry, "coef", "mine")


def test_a_prior_set_is_read_without_pymc():
    code = (
        "import sys; from models import Priors; Priors.load('horseshoe'); "
        "assert not {'pymc', 'pytensor'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
