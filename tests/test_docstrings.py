"""Every public name says what it takes, what it gives and what it raises."""

import importlib
import inspect

import pytest
from numpydoc.validate import validate

# what a reader of help() needs: a summary, and every parameter and attribute with its meaning
CHECKS = ("GL01", "GL02", "GL03", "GL05", "GL06", "GL07", "GL08", "SS03", "YD01")
CHECKS += ("PR01", "PR02", "PR03", "PR04", "RT03")
PUBLIC = [
    f"{package}.{name}"
    for package in ("data", "models", "analysis", "analysis.figures")
    for name in importlib.import_module(package).__all__
    if (package, name) != ("analysis", "figures")
]


@pytest.mark.parametrize("name", PUBLIC)
def test_public_names_are_documented(name: str) -> None:
    package, _, attribute = name.rpartition(".")
    item = getattr(importlib.import_module(package), attribute)
    path = f"{item.__module__}.{item.__name__}"
    # a class of data describes its attributes, not what its constructor takes
    checks = [code for code in CHECKS if code != "PR01" or not inspect.isclass(item)]
    found = [fault for fault in validate(path)["errors"] if fault[0] in checks]
    assert not found, f"{path}: {found}"


def test_the_validation_sees_a_parameter_without_a_meaning() -> None:
    # a private function, which needs no more than a sentence
    faults = [code for code, _ in validate("models.build._observe")["errors"]]
    assert "GL08" in faults
