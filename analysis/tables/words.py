"""What outputs call the outcomes and the parts of a family."""

from dataclasses import dataclass

import numpy as np

from data.outcomes import AMOUNT, COUNT, SUCCESSES, TIE
from data.roles import Part
from models.likelihood.families import Family
from models.likelihood.trials import PROBIT

PLURALS = {COUNT: "counts", TIE: "ties", SUCCESSES: "successes", AMOUNT: "amounts"}
CHANCE = {TIE: "a tie", SUCCESSES: "a success"}
SPREADS = {
    COUNT: "log scale; Var = mean + dispersion mean^2",
    SUCCESSES: "log scale; Var = n p (1 - p) (1 + (n - 1) dispersion / (1 + dispersion))",
    AMOUNT: "log scale, in the outcome's unit",
}


@dataclass(frozen=True)
class Unit:
    """In what a part's coefficients are told, and what their exponentials are: "" if nothing."""

    unit: str
    ratio: str = ""


def unit_of(family: Family, part: Part) -> Unit:
    """Say in what unit the coefficients of a part are."""
    if family.outcome in CHANCE:
        chance = CHANCE[family.outcome]
        if family.link is PROBIT:
            return Unit(f"probit of the chance of {chance}")
        return Unit(f"log odds of {chance}", "odds ratio")
    if part == Part.SELECTION:
        return Unit("log odds of being an eligible partner", "odds ratio")
    if family.outcome is AMOUNT:
        return Unit("expected amount, in the outcome's unit")
    if family.kind == "hurdle":
        unit = "log of the mean count, if eligible, before zeros are cut off"
        return Unit(unit, "rate ratio")
    eligible = ", if eligible" if Part.SELECTION in family.parts else ""
    return Unit(f"log of the expected count{eligible}", "rate ratio")


def scale_words(family: Family) -> str:
    """Name a family's own parameter."""
    return family.scale.replace("_", " ")


def spread_words(family: Family, outcome: np.ndarray, trials: np.ndarray | None = None) -> str:
    """Say how outcomes, (dyad,), are spread: ``74.3% zeros``, ``17.2% ties``."""
    if family.outcome is TIE:
        return f"{float(outcome.mean()):.1%} ties"
    if family.outcome is SUCCESSES and trials is not None:
        return f"{int(outcome.sum()):,} successes of {int(trials.sum()):,} trials"
    if family.outcome is AMOUNT:
        return f"mean {outcome.mean():.3g}, sd {outcome.std(ddof=1):.3g}"
    return f"{float((outcome == 0).mean()):.1%} zeros"
