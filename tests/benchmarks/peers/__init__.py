"""The programs that are timed, one row each."""

import importlib.util
import shutil
import subprocess
from dataclasses import dataclass

CROSSED = ("zinb_crossed",)
BOTH = ("zinb_crossed", "zinb_srm")
UNCORRELATED = "a city's two roles cannot be correlated in it"


@dataclass(frozen=True)
class Peer:
    """A program and a way to sample with it.

    Attributes
    ----------
    label : str
        In tables and in the figure.
    module : str
        The module of this package whose `draw` does it.
    sampler : str
        Which of the samplers that the module knows.
    models : tuple of str
        The models that it can express.
    package : str
        The Python package that it needs.
    r_package : str
        Or the R package.
    """

    label: str
    module: str
    sampler: str
    models: tuple[str, ...] = BOTH
    package: str = "pymc"
    r_package: str = ""

    @property
    def lacking(self) -> str:
        """Why it cannot run here, or nothing."""
        if importlib.util.find_spec(self.package) is None:
            return f"the Python package {self.package} is not there"
        if self.r_package:
            return r_lacks(self.r_package)
        return ""


def r_lacks(package: str) -> str:
    """Say why a package of R cannot be used, or nothing."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        return "Rscript is not there"
    load = [rscript, "-e", f"suppressMessages(library({package}))"]
    there = subprocess.run(load, check=False, capture_output=True)
    return f"R has no package {package}" if there.returncode else ""


PEERS = {
    "ours": Peer("interlocal", "ours", "nutpie"),
    "pymc-nutpie": Peer("PyMC, nutpie", "plain_pymc", "nutpie"),
    "pymc-nuts": Peer("PyMC, its NUTS", "plain_pymc", "pymc"),
    "pymc-numpyro": Peer("PyMC, numpyro", "plain_pymc", "numpyro", package="numpyro"),
    "bambi": Peer("Bambi", "bambi_formula", "pymc", CROSSED, "bambi"),
    "bambi-nutpie": Peer("Bambi, nutpie", "bambi_formula", "nutpie", CROSSED, "bambi"),
    "brms": Peer("brms", "brms_formula", "rstan", CROSSED, r_package="brms"),
}
