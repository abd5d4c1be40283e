"""A fit: draws with what is known of them, its attributes read in one place."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import xarray as xr

from data.declaration import Declaration
from data.errors import ResultsError
from data.study import Study
from models.inference.gate import Diagnostics, FirstTry
from models.likelihood.observed import trials_of
from models.name import ModelName, parse_model
from models.priors.prior_set import Priors
from models.settings import Settings
from models.work.fits import AGAIN, MADE_FROM, decoded
from models.work.made_from import DRAWS, made_by
from models.work.netcdf import open_tree

UNOBSERVED = "unobserved_data"  # the group of dyads whose outcome is missing


def ends_of(stats: xr.Dataset) -> xr.Dataset:
    """Take from a sampler's figures where its chains ended: what is not of each draw."""
    return stats[[name for name in stats if "draw" not in stats[name].dims]]


def is_made_from(attributes: Mapping[Any, Any], study: Study, priors: Priors) -> bool:
    """Tell whether a fit with these attributes was made from a study and priors, and as now."""
    made_from = [attributes.get(name) for name in (*MADE_FROM, "made_by")]
    return made_from == [study.digest, priors.to_json(), made_by(DRAWS)]


@dataclass(frozen=True)
class Fit:
    """A fit's tree, as a file holds it, with typed access to its attributes.

    Attributes
    ----------
    tree : xarray.DataTree
        The groups that `models.sample` makes; attributes are read when they are asked for.
    """

    tree: xr.DataTree

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a fit's file; its arrays are read as they are used, and leaving closes it."""
        return cls(open_tree(path, AGAIN))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.tree.close()

    @classmethod
    def of(cls, path: Path, study: Study, priors: Priors) -> Self:
        """Open the fit of a study, with the words that the study has now; refuse any other."""
        fit = cls.open(path)
        if not fit.is_of(study, priors):
            model = fit.tree.attrs.get("model", "")
            fit.tree.close()
            raise ResultsError(
                f"{path}: was made from another study or other priors, or by other sources; "
                f"run `interlocal sample` on it with --model {model} again"
            )
        return fit.as_told_by(study)

    def is_of(self, study: Study, priors: Priors) -> bool:
        """Tell whether it was made from a study and a prior set as they are now, and as now."""
        return is_made_from(self.tree.attrs, study, priors)

    def as_told_by(self, study: Study) -> Self:
        """Show what is not the likelihood's, the title or positions, as the study has it now."""
        self.tree.attrs |= study.words
        self.tree["constant_data"] = xr.DataTree(study.dyads.drop_vars("outcome"))
        if study.unobserved is not None:
            self.tree[UNOBSERVED] = xr.DataTree(study.unobserved)
        return self

    @cached_property
    def name(self) -> ModelName:
        return parse_model(self.model)

    @property
    def model(self) -> str:
        return str(self.tree.attrs["model"])

    @property
    def study(self) -> str:
        return str(self.tree.attrs["study"])

    @property
    def title(self) -> str:
        return str(self.tree.attrs["title"])

    @property
    def study_digest(self) -> str:
        return str(self.tree.attrs["study_digest"])

    @property
    def digest(self) -> str:
        """SHA-256 of what the fit was made from."""
        return str(self.tree.attrs["digest"])

    @property
    def priors(self) -> str:
        return str(self.tree.attrs["priors"])

    @property
    def priors_in_force(self) -> str:
        """Every prior, as `models.Priors.to_json` writes them."""
        return str(self.tree.attrs["priors_in_force"])

    @cached_property
    def declaration(self) -> Declaration:
        return Declaration.model_validate_json(self.tree.attrs["declaration"])

    @cached_property
    def synthetic(self) -> tuple[str, ...]:
        """The columns that are simulated."""
        return tuple(self._listed("synthetic"))

    @cached_property
    def cautions(self) -> tuple[str, ...]:
        """What a reader must know of the model's results."""
        return tuple(self._listed("cautions"))

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What became of dyads without a row, an outcome or a predictor."""
        return tuple(json.loads(self.tree.attrs.get("notes", "[]")))

    @cached_property
    def versions(self) -> dict[str, str]:
        """The packages that made the fit."""
        found: dict[str, str] = decoded(self.tree.attrs, "versions")
        return found

    @cached_property
    def settings(self) -> Settings:
        return Settings(**self._values(Settings))

    @property
    def run(self) -> Settings:
        """How the draws were made of which one in `thin` is kept: after a second try, by that."""
        made, attributes = self.settings, self.tree.attrs
        return replace(
            made,
            draws=made.draws * self.thin,
            tune=int(attributes["final_tune"]),
            target_accept=float(attributes["final_target_accept"]),
        )

    @property
    def thin(self) -> int:
        return int(self.tree.attrs["thin"])

    @property
    def seconds(self) -> float:
        """How long that took; 0 where it is not known."""
        return float(self.tree.attrs.get("final_seconds", 0.0))

    @property
    def prior_far(self) -> float:
        """The share of the prior's counts that are far beyond those observed."""
        return float(self.tree.attrs.get("prior_far", 0.0))

    @property
    def passed(self) -> bool:
        return bool(self.tree.attrs["passed"])

    @cached_property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the draws, in words."""
        return tuple(self._listed("faults"))

    @cached_property
    def diagnostics(self) -> Diagnostics:
        """The gate's figures."""
        return Diagnostics(**self._values(Diagnostics) | {"faults": self.faults})

    @cached_property
    def first_try(self) -> FirstTry | None:
        """What a first try showed that failed; None where there was but one."""
        found: dict[str, Any] = json.loads(self.tree.attrs.get("first_try", "{}"))
        lists = {name: tuple(found[name]) for name in ("faults", "means") if found}
        return FirstTry(**found | lists) if found else None

    @property
    def ends(self) -> xr.Dataset:
        """Where its chains ended, as `models.inference.chains.going_on` takes it."""
        return ends_of(self.tree["sample_stats"].to_dataset()).load()

    @property
    def trials(self) -> np.ndarray | None:
        """The trials that the outcomes are successes of, (dyad,); None where there are none."""
        return trials_of(self.dyads)

    @cached_property
    def dyads(self) -> xr.Dataset:
        """The study's dyads without their outcomes; read from the file as it is used."""
        return self.tree["constant_data"].to_dataset()

    @cached_property
    def posterior(self) -> xr.Dataset:
        """Draws (chain, draw, ...); read from the file as they are used."""
        return self.tree["posterior"].to_dataset()

    @property
    def draws(self) -> int:
        return int(self.posterior.sizes["chain"] * self.posterior.sizes["draw"])

    def _listed(self, attribute: str) -> list[str]:
        found: list[str] = decoded(self.tree.attrs, attribute)
        return found

    def _values(self, kind: type) -> dict[str, Any]:
        """Take the attributes that bear the names of a dataclass's fields, as plain values."""
        given = self.tree.attrs
        values = {field.name: given[field.name] for field in fields(kind) if field.name in given}
        return {
            name: value.item() if hasattr(value, "item") else value
            for name, value in values.items()
        }
