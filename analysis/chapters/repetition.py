"""How to make the results again."""

import shlex

import pandas as pd

from analysis.chapters.material import Material
from analysis.comparison.file import compared_models, not_reached
from analysis.fits.gathering import StudyResults
from analysis.tables.blocks import Code, Fold, Section, Table, Text
from models.inference.fit import Fit
from models.priors.files import prior_sets
from models.settings import SAMPLERS, Settings


def repeated(material: Material) -> Section:
    """Say how to make the results again."""
    results = material.results
    fits = {model: Fit(found.fit) for model, found in results.models.items()}
    study = f"STUDY=path/to/{shlex.quote(results.study.name)}"
    # a set from a file is named by its path
    packaged = results.priors.name in prior_sets()
    priors = results.priors.name if packaged else f"path/to/{results.priors.name}.toml"
    rest = f"{study} PRIORS={shlex.quote(priors)}"
    groups: dict[Settings, list[str]] = {}
    for model, fit in fits.items():
        groups.setdefault(fit.settings, []).append(model)
    commands = [
        f'make sample {study} MODEL="{" ".join(models)}" PRIORS={shlex.quote(priors)} '
        f"SEED={settings.seed} DRAWS={settings.draws} TUNE={settings.tune} "
        f"CHAINS={settings.chains} TARGET_ACCEPT={settings.target_accept:g}"
        f"{f' SAMPLER={settings.sampler}' if settings.sampler != SAMPLERS[0] else ''}"
        for settings, models in groups.items()
    ]
    commands += [f"make mle {study}", _comparing(results, rest), f"make report {rest}"]
    made = {model: (str(fit.settings.seed), fit.digest) for model, fit in fits.items()}
    hashes = pd.DataFrame(made, ["seed", "SHA-256"]).T.rename_axis("model")
    versions = pd.DataFrame({"version": next(iter(fits.values())).versions}).rename_axis("package")
    made_from = "SHA-256 of what each fit was made from: study, priors, model, settings, sources"
    not_drawn = [
        Text(f"Not drawn: {name} of {model or 'all models'}: {why}")
        for (model, name), why in material.not_drawn.items()
    ]
    return Section(
        "How to repeat it",
        (
            Code("\n".join(commands)),
            Text(f"What models take of the study has the SHA-256 {results.study.digest}."),
            Table(hashes, made_from),
            Table(versions, "Versions"),
            *([Fold("Figures that are not there", tuple(not_drawn))] if not_drawn else []),
        ),
    )


def _comparing(results: StudyResults, rest: str) -> str:
    """Give the command of the comparison that is shown; of all models where there is none."""
    tree = results.comparison
    if tree is None:
        return f"make compare {rest}"
    models, units = compared_models(tree), [str(unit) for unit in tree.children]
    refits = " NO_REFITS=1" * bool(not_reached(tree))
    return f'make compare {rest} MODEL="{" ".join(models)}" UNITS="{" ".join(units)}"{refits}'
