"""`study.toml`: what a study says of itself, read and checked."""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from data.errors import StudyError, suggest
from data.files import parse_toml
from data.roles import Part


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a newline or another control character; remove it")
    return text


Text = Annotated[str, AfterValidator(_printable)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_min_length=1)


class Columns(_Table):
    """Which file holds the dyads, and which of its columns is what."""

    file: Text = "dyads.csv"
    sender: Text
    receiver: Text
    outcome: Text
    exposure: Text | None = None


class CityTable(_Table):
    """Which file says where the cities lie, and which of its columns is what."""

    file: Text
    city: Text = "city"
    latitude: Text = "latitude"
    longitude: Text = "longitude"


class Formulas(_Table):
    """The right-hand side of each part, in formulaic's language."""

    selection: Text = "1"
    degree: Text = "1"


class SideSlopes(_Table):
    """Terms of one part whose coefficients vary from city to city."""

    sender: tuple[Text, ...] = ()
    receiver: tuple[Text, ...] = ()

    def of(self, side: str) -> tuple[str, ...]:
        """Give the terms of a side."""
        return self.sender if side == "sender" else self.receiver


class Slopes(_Table):
    """Random slopes of both parts."""

    selection: SideSlopes = SideSlopes()
    degree: SideSlopes = SideSlopes()

    def of(self, part: Part) -> SideSlopes:
        """Give the slopes of a part."""
        return self.selection if part == "selection" else self.degree


class Hypothesis(_Table):
    """A direction that somebody published for one term of one part."""

    label: Text
    term: Text
    part: Part
    direction: Literal["positive", "negative"]
    source: Text | Literal[""] = ""  # a fit keeps it where it is empty too


class Declaration(_Table):
    """A whole `study.toml`."""

    title: Text
    synthetic: tuple[Text, ...] = ()
    models: tuple[Text, ...] = Field(min_length=1)
    dyads: Columns
    cities: CityTable | None = None
    formula: Formulas = Formulas()
    slopes: Slopes = Slopes()
    hypothesis: tuple[Hypothesis, ...] = ()


_TABLES: dict[str, type[_Table]] = {
    "dyads": Columns,
    "cities": CityTable,
    "formula": Formulas,
    "slopes": Slopes,
    "hypothesis": Hypothesis,
}


def read_declaration(content: bytes) -> Declaration:
    """Read a `study.toml`."""
    try:
        return Declaration.model_validate(parse_toml(content, StudyError))
    except ValidationError as error:
        raise StudyError(_first_fault(error)) from None


# pydantic's names of faults that a TOML writer would not understand, in the words of TOML
WORDS = {
    "model_type": "write a table",
    "dict_type": "write a table",
    "tuple_type": 'write a list, as in ["a", "b"]',
    "string_type": 'write text in quotes, as in "a"',
    "string_too_short": "is empty",
    "too_short": "is empty; name at least one",
}


def _first_fault(error: ValidationError) -> str:
    # an unknown key comes first: where a needed one is misspelt, it is the cause
    faults = sorted(
        error.errors(include_url=False), key=lambda fault: fault["type"] != "extra_forbidden"
    )
    fault = faults[0]
    steps = [step + 1 if isinstance(step, int) else step for step in fault["loc"]]
    schema = _TABLES.get(str(steps[0]), Declaration) if len(steps) > 1 else Declaration
    where = ".".join(map(str, steps))
    match fault["type"]:
        case "extra_forbidden":
            text = f"unknown key '{where}'; {suggest(str(steps[-1]), schema.model_fields)}"
        case "missing":
            text = f"key '{where}' is missing; add it"
        case kind:
            message = fault["msg"].removeprefix("Value error, ")
            text = f"key '{where}': {WORDS.get(kind, message[:1].lower() + message[1:])}"
    others = len(faults) - 1
    return text + (f" (and {others} more fault{'s' if others > 1 else ''})" if others else "")
