from .coefficients import coefficient_figure

__all__ = ["coefficient_figure"]
