"""The section that says how to make a report again."""

import json
import shlex
from collections.abc import Hashable, Mapping
from typing import Any

from analysis.fits.opening import sampler_of
from analysis.report.document import Code, Section, Text, grid
from analysis.report.material import Material
from models.priors.files import prior_sets
from models.settings import SAMPLERS


def repeated(material: Material) -> Section:
    """Say how to make the results again."""
    results = material.results
    fits = {model: each.fit.attrs for model, each in results.models.items()}
    # a set from a file is named by its path
    packaged = results.priors.name in prior_sets()
    priors = results.priors.name if packaged else f"path/to/{results.priors.name}.toml"
    commands = []
    for how, models in _by_settings(fits).items():
        seed, draws, tune, chains, target, sampler = how
        commands.append(
            f"make sample STUDY=path/to/{shlex.quote(results.study.name)} "
            f'MODEL="{" ".join(models)}" PRIORS={shlex.quote(priors)} SEED={seed} '
            f"DRAWS={draws} TUNE={tune} CHAINS={chains} TARGET_ACCEPT={target:g}"
            f"{f' SAMPLER={sampler}' if sampler != SAMPLERS[0] else ''}"
        )
    study = f"STUDY=path/to/{shlex.quote(results.study.name)}"
    rest = f"{study} PRIORS={shlex.quote(priors)}"
    commands += [f"make mle {study}", f"make compare {rest}", f"make report {rest}"]
    versions = json.loads(next(iter(fits.values()))["versions"])
    hashes = [(model, about["seed"], about["digest"]) for model, about in fits.items()]
    return Section(
        "How to repeat it",
        (
            Code("\n".join(commands)),
            Text(f"The study's bytes have the SHA-256 {results.study.digest}."),
            grid(
                "SHA-256 of what each fit was made from: study, priors, model, settings, version",
                ("model", "seed", "SHA-256"),
                hashes,
            ),
            grid("Versions", ("package", "version"), list(versions.items())),
        ),
    )


def _by_settings(fits: Mapping[str, Mapping[Hashable, Any]]) -> dict[tuple[Any, ...], list[str]]:
    groups: dict[tuple[Any, ...], list[str]] = {}
    for model, about in fits.items():
        how = tuple(about[key] for key in ("seed", "draws", "tune", "chains", "target_accept"))
        groups.setdefault((*how, sampler_of(about)), []).append(model)
    return groups
