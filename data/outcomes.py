"""What an outcome may be: a count, a tie, successes of trials, an amount.

A family takes one kind of outcome (`models.likelihood.families`). A study is held to the kinds that
its declared models take, by the first word of their names.
"""

from dataclasses import dataclass

LARGEST_COUNT = 10**9  # up to which a log-likelihood, a difference of numbers as large, is good


@dataclass(frozen=True)
class OutcomeKind:
    """One kind of outcome.

    Attributes
    ----------
    noun : str
        What one value is called.
    rule : str
        What a value must be, as messages say it.
    largest : float
        The largest value.
    is_whole : bool
        Whether values are whole numbers from 0 on.
    has_trials : bool
        Whether a value is one of so many trials, which the study names.
    has_exposure : bool
        Whether a value grows with an exposure.
    """

    noun: str
    rule: str
    largest: float = LARGEST_COUNT
    is_whole: bool = True
    has_trials: bool = False
    has_exposure: bool = False


COUNT = OutcomeKind("count", "a count is a whole number from 0 to 10^9", has_exposure=True)
TIE = OutcomeKind("tie", "a tie is 0 or 1", largest=1)
SUCCESSES = OutcomeKind(
    "number of successes", "successes are a whole number from 0 to the trials", has_trials=True
)
AMOUNT = OutcomeKind(
    "amount", "an amount is a number from -10^100 to 10^100", largest=1e100, is_whole=False
)

# of families by the beginning of a model's name; all others take counts
TAKEN = {"bernoulli": TIE, "binomial": SUCCESSES, "betabinomial": SUCCESSES, "normal": AMOUNT}


def kind_of(model: str) -> OutcomeKind:
    """Give the kind of outcome that a model takes, by its name."""
    return TAKEN.get(model.split("_", 1)[0], COUNT)
