"""How to make the results again."""

import shlex

import pandas as pd

from analysis.chapters.material import Material
from analysis.tables.blocks import Code, Section, Table, Text
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
    commands += [f"make mle {study}", f"make compare {rest}", f"make report {rest}"]
    made = {model: (str(fit.settings.seed), fit.digest) for model, fit in fits.items()}
    hashes = pd.DataFrame(made, ["seed", "SHA-256"]).T.rename_axis("model")
    versions = pd.DataFrame({"version": next(iter(fits.values())).versions}).rename_axis("package")
    made_from = "SHA-256 of what each fit was made from: study, priors, model, settings, version"
    return Section(
        "How to repeat it",
        (
            Code("\n".join(commands)),
            Text(f"The study's bytes have the SHA-256 {results.study.digest}."),
            Table(hashes, made_from),
            Table(versions, "Versions"),
        ),
    )
