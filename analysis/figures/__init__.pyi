from .chains import energy_figure, rank_figure
from .city_effects import city_effect_figure
from .coefficients import coefficient_figure
from .elpd import elpd_figure
from .map import map_figure
from .matrix import matrix_figure
from .pareto import pareto_figure
from .priors import prior_figure
from .reciprocity import reciprocity_figure
from .rootogram import rootogram_figure
from .sensitivity import sensitivity_figure
from .statistics import statistics_figure

__all__ = [
    "city_effect_figure",
    "coefficient_figure",
    "elpd_figure",
    "energy_figure",
    "map_figure",
    "matrix_figure",
    "pareto_figure",
    "prior_figure",
    "rank_figure",
    "reciprocity_figure",
    "rootogram_figure",
    "sensitivity_figure",
    "statistics_figure",
]
