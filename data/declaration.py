"""`study.toml`: what a study says of itself, read and checked."""

import tomllib
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from data.errors import StudyError, suggest

Part = Literal["selection", "degree"]
PARTS: tuple[Part, ...] = get_args(Part)


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_min_length=1)


class Columns(_Table):
    """Which file holds the dyads, and which of its columns is what."""

    file: str = "dyads.csv"
    sender: str
    receiver: str
    outcome: str
    exposure: str | None = None


class Formulas(_Table):
    """The right-hand side of each part, in formulaic's language."""

    selection: str = "1"
    degree: str = "1"


class Hypothesis(_Table):
    """A direction that somebody published for one term of one part."""

    label: str
    term: str
    part: Part
    direction: Literal["positive", "negative"]
    source: str = ""


class Declaration(_Table):
    """A whole `study.toml`."""

    title: str
    synthetic: tuple[str, ...] = ()
    models: tuple[str, ...] = Field(min_length=1)
    dyads: Columns
    formula: Formulas = Formulas()
    hypothesis: tuple[Hypothesis, ...] = ()


_TABLES: dict[str, type[_Table]] = {
    "dyads": Columns,
    "formula": Formulas,
    "hypothesis": Hypothesis,
}


def read_declaration(path: Path) -> Declaration:
    """Read a `study.toml`.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    Declaration
        What the file declares.

    Raises
    ------
    StudyError
        The file is missing, is not UTF-8, is not TOML, or has a missing, unknown or unusable key.
    """
    try:
        content = tomllib.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise StudyError(
            f"{path}: not found; a study is a folder with a study.toml and a table of dyads"
        ) from None
    except OSError as error:
        raise StudyError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise StudyError(f"{path}: not UTF-8 at byte {error.start + 1}; save it as UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"{path}: not valid TOML: {error}") from None
    try:
        return Declaration.model_validate(content)
    except ValidationError as error:
        raise StudyError(f"{path}: {_first_fault(error)}") from None


def _first_fault(error: ValidationError) -> str:
    faults = error.errors(include_url=False)
    fault = faults[0]
    location = [str(step) for step in fault["loc"]]
    tables = [step for step in location if step in _TABLES][:1]
    schema = _TABLES[tables[0]] if tables and len(location) > 1 else Declaration
    key = location[-1]
    where = ".".join(location)
    match fault["type"]:
        case "extra_forbidden":
            text = f"unknown key '{where}'; {suggest(key, schema.model_fields)}"
        case "missing":
            text = f"key '{where}' is missing; {schema.__name__.lower()} needs it"
        case _:
            text = f"key '{where}': {fault['msg'][0].lower()}{fault['msg'][1:]}"
    others = len(faults) - 1
    return text + (f" (and {others} more fault{'s' if others > 1 else ''})" if others else "")
