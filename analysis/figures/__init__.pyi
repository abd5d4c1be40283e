from .cities import city_effect_figure, reciprocity_figure
from .coefficients import coefficient_figure
from .elpd import dimension_figure, elpd_figure, pareto_figure
from .energy import energy_figure
from .map import map_figure
from .matrix import matrix_figure
from .parameters import prior_figure, rank_figure, sensitivity_figure
from .positions import position_figure
from .predictive import (
    calibration_figure,
    distribution_figure,
    pit_figure,
    rootogram_figure,
    statistics_figure,
)

__all__ = [
    "calibration_figure",
    "city_effect_figure",
    "coefficient_figure",
    "dimension_figure",
    "distribution_figure",
    "elpd_figure",
    "energy_figure",
    "map_figure",
    "matrix_figure",
    "pareto_figure",
    "pit_figure",
    "position_figure",
    "prior_figure",
    "rank_figure",
    "reciprocity_figure",
    "rootogram_figure",
    "sensitivity_figure",
    "statistics_figure",
]
