"""Prior sets as TOML files: their keys, their parents, their entries."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from data.errors import PriorError, suggest
from data.files import read_toml
from data.roles import PARTS
from models.likelihood.families import DISPERSION, FAMILIES, RESIDUAL_SD
from models.name import CITY_CORRELATION
from models.priors.prior import Prior, parse_prior

FOLDER = Path(__file__).parent / "sets"

# The general keys of a prior set, and the parameters that each stands for.
KINDS: dict[str, tuple[str, ...]] = {
    "intercept": tuple(part.intercept for part in PARTS),
    "coef": tuple(part.coef for part in PARTS),
    "sd": tuple(
        name
        for part in PARTS
        for name in (
            *(role.sd for role in (*part.all_roles, part.pair)),
            *(role.slope_sd for role in part.all_roles),
            part.factor_sd,
        )
    ),
    "correlation": (
        *(
            name
            for part in PARTS
            for name in (part.generalized_reciprocity, part.dyadic_reciprocity)
        ),
        CITY_CORRELATION,
    ),
    DISPERSION: (DISPERSION,),
    RESIDUAL_SD: (RESIDUAL_SD,),
}
KIND_OF = {parameter: kind for kind, parameters in KINDS.items() for parameter in parameters}
KEYS = tuple(dict.fromkeys([*KINDS, *KIND_OF]))

Key = tuple[str, str | None]  # a parameter or kind, and a term where the prior is one term's own
SECTIONS = tuple(name for name in FAMILIES if not name.endswith("_probit"))
OF = "."  # between a family and the key of a prior that is for it alone


def prior_sets() -> list[str]:
    """List the prior sets that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def locate(name: str, beside: Path, source: str) -> Path:
    """Find the file of a prior set."""
    if name.endswith(".toml") or "/" in name:
        return beside / name
    if name not in prior_sets():
        raise PriorError(
            f"{source}no prior set '{name}'; {suggest(name, prior_sets())}, "
            "or the path of a .toml file"
        )
    return FOLDER / f"{name}.toml"


def read_entries(path: Path, children: tuple[Path, ...]) -> dict[Key, Prior]:
    """Read the entries of a prior file and of its parents."""
    if path in children:
        raise PriorError(f"{path}: extends itself, by way of its parents; end the circle")
    content = read_toml(path, PriorError, "give a set by name, or the path of a .toml file")
    parent = content.pop("extends", None)
    if parent is not None and not isinstance(parent, str):
        raise PriorError(f"{path}: extends names one prior set or file")
    entries: dict[Key, Prior] = {}
    if parent is not None:
        source = locate(parent, path.parent, f"{path}: extends: ")
        entries = read_entries(source, (*children, path))
    label = path.name if path.parent == FOLDER else str(path)
    own = dict(parse_entries(content, label))
    return overlaid(entries, own)


def overlaid(entries: Mapping[Key, Prior], own: Mapping[Key, Prior]) -> dict[Key, Prior]:
    """Lay entries over those of a parent."""
    # A general key of a file replaces its parent's particular ones too: what the user wrote
    # last must not be silently overruled by a file that it extends.
    kept = {key: prior for key, prior in entries.items() if not _covered(key, own)}
    return kept | dict(own)


def _covered(key: Key, own: Mapping[Key, Prior]) -> bool:
    whole, term = key
    family, _, name = whole.rpartition(OF)
    kind = KIND_OF.get(name, name)
    of_family = [f"{family}{OF}"] if family else []
    return any(
        (f"{of}{other}", of_term) in own
        for of in ("", *of_family)
        for other, of_term in ((name, None), (kind, None), (kind, term))
        if (f"{of}{other}", of_term) != key
    )


def for_family(entries: Mapping[Key, Prior], family: str) -> dict[Key, Prior]:
    """Give the entries that are in force for a family: its own lie over the general ones."""
    general = {key: prior for key, prior in entries.items() if OF not in key[0]}
    own = {
        (name.removeprefix(f"{family}{OF}"), term): prior
        for (name, term), prior in entries.items()
        if name.startswith(f"{family}{OF}")
    }
    return overlaid(general, own)


def parse_entries(content: Mapping[str, Any], path: str) -> Iterable[tuple[Key, Prior]]:
    """Check what a prior file holds."""
    for key, entry in content.items():
        if key in SECTIONS and isinstance(entry, dict):
            for (name, term), prior in parse_entries(entry, f"{path}: [{key}]"):
                yield (f"{key}{OF}{name}", term), prior
            continue
        if key not in KEYS:
            raise PriorError(f"{path}: no parameter '{key}'; {suggest(key, KEYS)}")
        if not isinstance(entry, dict):
            raise PriorError(f'{path}: {key}: write a table, [{key}] with dist = "…"')
        terms = {term: value for term, value in entry.items() if isinstance(value, dict)}
        kind = KIND_OF.get(key, key)
        if terms and kind != "coef":
            raise PriorError(f"{path}: [{key}.{next(iter(terms))}]: only coefficients have terms")
        whole = {name: value for name, value in entry.items() if name not in terms}
        if whole or not terms:
            yield (key, None), parse_prior(whole, kind, f"{path}: [{key}]")
        for term, value in terms.items():
            yield (key, term), parse_prior(value, kind, f'{path}: [{key}."{term}"]')
