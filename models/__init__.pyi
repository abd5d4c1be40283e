from .build import build
from .frequentist.fit import maximum_likelihood
from .inference.sample import sample
from .priors.prior_set import Priors
from .simulation.simulate import simulate_study

__all__ = ["Priors", "build", "maximum_likelihood", "sample", "simulate_study"]
