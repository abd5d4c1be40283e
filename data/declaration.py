"""`study.toml`: what a study says of itself, read and checked."""

import re
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from data.errors import StudyError, suggest
from data.files import parse_toml
from data.outcomes import SUCCESSES, TIE, OutcomeKind, kind_of
from data.roles import SIDES, Part


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("holds a newline or another control character; remove it")
    return text


Text = Annotated[str, AfterValidator(_printable)]
Dimensions = Annotated[int, Field(strict=True, ge=0, le=3)]  # of multiplicative effects
GRAPHS = (".graphml", ".gexf", ".net")
NAME = re.compile(r"\w[\w .-]*")  # of what results are kept under: a folder's


def _name_of_a_folder(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError("results are kept under it; write letters, digits and signs of '_ -.'")
    return name


def _plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "ch", "sh")) else f"{noun}s"


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_min_length=1)


class Source(_Table):
    """How a file is written, where that is not found out from the file."""

    sheet: Text | None = None  # of a spreadsheet that has several
    separator: Literal[",", ";", "\t", "|"] | None = None
    decimal: Literal[".", ","] | None = None


class Columns(Source):
    """Which file holds the dyads, which of its columns is what, and what is not there."""

    file: Text = "dyads.csv"
    layout: Literal["rows", "matrix"] = "rows"
    sender: Text = "sender"
    receiver: Text = "receiver"
    cities: tuple[Text, Text] | None = None  # of undirected dyads, in place of sender and receiver
    outcome: Text
    period: Text | None = None  # of a panel: a row a dyad and period
    periods: tuple[Text, ...] = ()  # in their order, where they are neither numbers nor dates
    exposure: Text | None = None
    trials: Text | None = None  # of which the outcome is the number of successes
    absent: Literal["missing", "zero"] = "missing"  # what a dyad without a row is
    missing: Literal["refuse", "drop"] = "refuse"  # what becomes of a row without a predictor
    directed: bool = True

    @model_validator(mode="before")
    @classmethod
    def _both(cls, given: Any) -> Any:
        if not isinstance(given, dict) or not isinstance(given.get("cities"), list | tuple):
            return given
        both = dict(zip(SIDES, given["cities"], strict=False))
        for side, column in both.items():
            if given.get(side, column) != column:
                raise ValueError(f"'cities' stands in place of '{side}'; remove one of them")
        return given | both

    @model_validator(mode="after")
    def _names_both(self) -> Self:
        if self.directed and self.cities is not None:
            raise ValueError("'cities' is of undirected dyads; write directed = false")
        if not self.directed and self.cities is None and self.is_in_rows:
            raise ValueError('undirected dyads have no sender; write cities = ["a", "b"]')
        if self.cities is not None and len(set(self.cities)) == 1:
            raise ValueError("'cities' names two columns")
        return self

    @model_validator(mode="after")
    def _has_periods(self) -> Self:
        if self.periods and self.period is None:
            raise ValueError("'periods' is the order of those of a column; name it: period = ...")
        if len(set(self.periods)) < len(self.periods):
            raise ValueError("'periods' names one twice; remove it")
        if self.period is not None and not self.is_in_rows:
            raise ValueError("'period' is a column of a table with a row a dyad and period")
        if self.period is not None and self.period in (*self.ends, self.outcome):
            raise ValueError(f"'period' names '{self.period}', which is something else already")
        return self

    @property
    def ends(self) -> tuple[str, str]:
        """The columns of the two cities of a dyad."""
        return self.sender, self.receiver

    @property
    def is_in_rows(self) -> bool:
        """Whether the file has a row a dyad."""
        return self.layout == "rows" and not self.is_graph

    def possible(self, cities: int) -> int:
        """Give how many dyads there are among so many cities."""
        return cities * (cities - 1) // (1 if self.directed else 2)

    @property
    def many(self) -> str:
        """What several dyads are called."""
        return "directed dyads" if self.directed else "pairs"

    @property
    def is_graph(self) -> bool:
        """Whether the file is a graph, of nodes and edges."""
        return self.file.casefold().endswith(GRAPHS)


class CityTable(Source):
    """Which file holds the cities, and which of its columns is what."""

    file: Text | None = None  # None: the nodes of the graph
    city: Text = "city"
    latitude: Text = "latitude"
    longitude: Text = "longitude"


class Matrix(Source):
    """A dyadic covariate of its own: a square matrix, or a row a directed dyad."""

    file: Text
    sender: Text | None = None  # None: the file is a matrix
    receiver: Text | None = None
    value: Text | None = None
    absent: Literal["missing", "zero"] = "missing"

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: object) -> object:
        return {"file": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if len({self.sender is None, self.receiver is None, self.value is None}) > 1:
            raise ValueError("a covariate in rows needs the three keys sender, receiver and value")
        return self


class Formulas(_Table):
    """The right-hand side of each part, in formulaic's language."""

    selection: Text = "1"
    degree: Text = "1"


class SideSlopes(_Table):
    """Terms of one part whose coefficients vary from city to city."""

    sender: tuple[Text, ...] = ()
    receiver: tuple[Text, ...] = ()
    city: tuple[Text, ...] = ()  # of undirected dyads

    def of(self, side: str) -> tuple[str, ...]:
        """Give the terms of a side."""
        found: tuple[str, ...] = getattr(self, side)
        return found


class Slopes(_Table):
    """Random slopes of both parts."""

    selection: SideSlopes = SideSlopes()
    degree: SideSlopes = SideSlopes()

    def of(self, part: Part) -> SideSlopes:
        """Give the slopes of a part."""
        return self.selection if part == "selection" else self.degree


class Factors(_Table):
    """Dimensions of multiplicative effects, of a part where they are not those of the model."""

    selection: Dimensions | None = None
    degree: Dimensions | None = None

    def of(self, part: Part) -> int | None:
        """Give those of a part; None where they are the model's."""
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
    name: Annotated[Text, AfterValidator(_name_of_a_folder)] | None = None
    noun: Text = "city"
    plural: Text | None = None
    synthetic: tuple[Text, ...] = ()
    models: tuple[Text, ...] = Field(min_length=1)
    link: Literal["logit", "probit"] = "logit"  # of models of ties and of successes
    dyads: Columns
    cities: CityTable | None = None
    matrices: dict[Text, Matrix] = {}
    predictors: dict[Text, Text] = {}
    formula: Formulas = Formulas()
    slopes: Slopes = Slopes()
    factors: Factors = Factors()
    hypothesis: tuple[Hypothesis, ...] = ()

    @model_validator(mode="after")
    def _suits_its_models(self) -> Self:
        for model in self.models:
            kind = kind_of(model)
            if kind.has_trials and self.dyads.trials is None:
                raise ValueError(
                    f"{model} takes successes: name the column of trials under [dyads]"
                )
            if self.dyads.exposure is not None and not kind.has_exposure:
                raise ValueError(
                    f"{model} takes no exposure, which is of counts; remove it, or put its log "
                    "into the formula"
                )
        kinds = self.kinds
        if self.dyads.trials is not None and not any(kind.has_trials for kind in kinds):
            raise ValueError("trials are of models of successes, such as binomial_srm; remove them")
        if self.link != "logit" and not {TIE, SUCCESSES} & set(kinds):
            raise ValueError("a link is of models of ties and of successes; remove it")
        return self

    @property
    def kinds(self) -> tuple[OutcomeKind, ...]:
        """What the outcome must be, for the models that are declared."""
        return tuple(dict.fromkeys(map(kind_of, self.models)))

    def linked(self, model: str) -> str:
        """Name a model with what the study declares: ``bernoulli_probit_srm``.

        Of undirected dyads ``ame2`` is ``additive_ame2``.
        """
        before, is_ame, rank = model.rpartition("_ame")
        if is_ame and not self.dyads.directed and not before.endswith("_additive"):
            model = f"{before}_additive_ame{rank}"
        family, _, effects = model.partition("_")
        has_link = kind_of(model) in (TIE, SUCCESSES)
        if self.link == "logit" or not has_link or effects.startswith(f"{self.link}_"):
            return model
        return f"{family}_{self.link}_{effects}"

    @property
    def nouns(self) -> str:
        """The plural of the noun."""
        return self.plural or _plural(self.noun)


_TABLES: dict[str, type[_Table]] = {
    "dyads": Columns,
    "cities": CityTable,
    "matrices": Matrix,
    "formula": Formulas,
    "slopes": Slopes,
    "factors": Factors,
    "hypothesis": Hypothesis,
}


def read_declaration(content: bytes) -> Declaration:
    """Read a `study.toml`."""
    try:
        return Declaration.model_validate(parse_toml(content, StudyError))
    except ValidationError as error:
        raise StudyError(first_fault(error)) from None


# pydantic's names of faults that a TOML writer would not understand, in the words of TOML
WORDS = {
    "model_type": "write a table",
    "dict_type": "write a table",
    "tuple_type": 'write a list, as in ["a", "b"]',
    "string_type": 'write text in quotes, as in "a"',
    "string_too_short": "is empty",
    "too_short": "is empty; name at least one",
}


def first_fault(error: ValidationError) -> str:
    """Say what is wrong with a declaration, in the words of TOML."""
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
