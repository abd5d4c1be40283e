"""Every figure of a model, and how to draw it from what is known of the model."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from analysis import figures
from analysis.figures.style import Drawn
from analysis.fits.gathering import ModelResults
from data.outcomes import AMOUNT, COUNT, SUCCESSES, TIE, OutcomeKind
from models.name import ModelName


def look_for(function: Callable[..., Drawn]) -> str:
    """Say what to look for in a figure."""
    paragraphs = (inspect.getdoc(function) or "").split("\n\n")
    return " ".join(paragraphs[1].split())


@dataclass(frozen=True)
class Entry:
    """One figure of a model.

    Attributes
    ----------
    of : str
        Which of the model's results the function takes beside the fit.
    kinds : tuple of OutcomeKind
        Of which outcomes it is; of all where it is empty.
    of_factors : bool
        Whether it is of models with multiplicative effects alone.
    """

    name: str
    title: str
    function: Callable[..., Drawn]
    of: str = ""
    kinds: tuple[OutcomeKind, ...] = ()
    of_factors: bool = False

    def suits(self, name: ModelName) -> bool:
        """Tell whether it is a figure of such a model and its outcomes."""
        if self.of_factors and not name.factor_parts:
            return False
        return not self.kinds or name.family.outcome in self.kinds

    @property
    def advice(self) -> str:
        return look_for(self.function)

    @property
    def by_arviz(self) -> bool:
        """Whether other backends than matplotlib can draw it."""
        return "backend" in inspect.signature(self.function).parameters

    def draw(self, results: ModelResults, backend: str = "matplotlib") -> Drawn:
        """Draw; raises ResultsError where the model has no such thing."""
        given = [getattr(results, self.of)] if self.of else []
        chosen = {"backend": backend} if self.by_arviz else {}
        return self.function(results.fit, *given, **chosen)


WHOLE = (COUNT, SUCCESSES)
CATALOGUE = (
    Entry("coefficients", "Coefficients", figures.coefficient_figure, "mle"),
    Entry("cities", "City effects", figures.city_effect_figure),
    Entry("map", "City effects on the map", figures.map_figure),
    Entry("reciprocity", "Sender against receiver effects", figures.reciprocity_figure),
    Entry("positions", "Positions of cities", figures.position_figure, of_factors=True),
    Entry("matrix", "All dyads, observed and predicted", figures.matrix_figure),
    Entry("statistics", "Statistics of the network", figures.statistics_figure),
    Entry("rootogram", "How often each count occurs", figures.rootogram_figure, kinds=WHOLE),
    Entry(
        "calibration",
        "How often ties are there at a chance",
        figures.calibration_figure,
        kinds=(TIE,),
    ),
    Entry(
        "distribution",
        "How amounts are distributed",
        figures.distribution_figure,
        kinds=(AMOUNT,),
    ),
    Entry(
        "pit",
        "Where observed outcomes lie in their predictions",
        figures.pit_figure,
        kinds=(*WHOLE, AMOUNT),
    ),
    Entry("pareto", "Dyads that are hard to leave out", figures.pareto_figure, "loo"),
    Entry("priors", "Prior against posterior", figures.prior_figure),
    Entry("sensitivity", "Power-scaling sensitivity", figures.sensitivity_figure),
    Entry("ranks", "Ranks of the draws by chain", figures.rank_figure),
    Entry("energy", "Energy of the sampler", figures.energy_figure),
)
