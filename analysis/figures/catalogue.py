"""Every figure of a model, and how to draw it from what is known of the model."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure

from analysis import figures
from analysis.fits.gathering import ModelResults


@dataclass(frozen=True)
class Entry:
    """One figure of a model.

    Attributes
    ----------
    draw : callable
        The model's results to the figure; raises ResultsError where the model has no such thing.
    """

    name: str
    title: str
    function: Callable[..., Figure]
    draw: Callable[[ModelResults], Figure]

    @property
    def advice(self) -> str:
        return look_for(self.function)


def look_for(function: Callable[..., Figure]) -> str:
    """Say what to look for in a figure."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return " ".join(paragraphs[1].split())


def _entry(name: str, title: str, function: Callable[..., Figure]) -> Entry:
    return Entry(name, title, function, lambda results: function(results.fit))


CATALOGUE: tuple[Entry, ...] = (
    Entry(
        "coefficients",
        "Coefficients of both parts",
        figures.coefficient_figure,
        lambda results: figures.coefficient_figure(results.fit, results.mle),
    ),
    _entry("cities", "City effects", figures.city_effect_figure),
    _entry("map", "City effects on the map", figures.map_figure),
    _entry("reciprocity", "Sender against receiver effects", figures.reciprocity_figure),
    _entry("matrix", "Counts of all dyads, observed and predicted", figures.matrix_figure),
    _entry("statistics", "Statistics of the network", figures.statistics_figure),
    _entry("rootogram", "How often each count occurs", figures.rootogram_figure),
    Entry(
        "pareto",
        "Dyads that are hard to leave out",
        figures.pareto_figure,
        lambda results: figures.pareto_figure(results.fit, results.loo),
    ),
    _entry("priors", "Prior against posterior", figures.prior_figure),
    _entry("sensitivity", "Power-scaling sensitivity", figures.sensitivity_figure),
    _entry("ranks", "Ranks of the draws by chain", figures.rank_figure),
    _entry("energy", "Energy of the sampler", figures.energy_figure),
)
