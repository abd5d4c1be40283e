"""A model's name is family and effects: `zinb_srm`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from data.errors import ModelError, suggest
from data.outcomes import TIE
from data.roles import CITY, PERIOD, SIDES, Part, Role
from data.study import Study
from models.likelihood.families import FAMILIES, Family
from models.registry import Registry

RANKS = (1, 2, 3)
Blocks = tuple[tuple[Role, ...], ...]

CITY_CORRELATION = "city_correlation"
HARDLY_TOLD = (
    "one tie a directed dyad hardly tells the sd of pair effects, which rests on its prior and "
    "stretches the other coefficients; hold this model against the one without pair effects"
)
COMPETING = (
    "dispersion and pair effects compete where each directed dyad is seen once; "
    "hold this model against the one without pair effects"
)


@dataclass(frozen=True)
class Effects:
    """An effects structure.

    Attributes
    ----------
    blocks : callable
        The parts of a model to the roles of its cities, grouped: effects within a group are
        correlated.
    has_pairs : bool
        Whether each part has pair effects too, correlated between the two directions; of amounts,
        whose residuals are pair effects, whether these correlate.
    directed : bool or None
        Whether it is of directed dyads or of undirected ones; None of either.
    rank : int
        Dimensions of the multiplicative effects of each part. Residuals of directed amounts
        correlate beside them, as those of `srm_dyadic` do.
    """

    blocks: Callable[[Sequence[Part]], Blocks]
    has_pairs: bool = False
    directed: bool | None = True
    rank: int = 0


def _per_part(*blocks: tuple[str, ...]) -> Callable[[Sequence[Part]], Blocks]:
    return lambda parts: tuple(
        tuple(Role(part, side) for side in block) for part in parts for block in blocks
    )


def _joint(parts: Sequence[Part]) -> Blocks:
    return (tuple(role for part in parts for role in part.roles),)


def _city_joint(parts: Sequence[Part]) -> Blocks:
    return (tuple(part.city for part in parts),)


EFFECTS: Registry[Effects] = Registry(
    __name__,
    {
        "pooled": Effects(_per_part(), directed=None),
        "sender": Effects(_per_part(("sender",))),
        "receiver": Effects(_per_part(("receiver",))),
        "crossed": Effects(_per_part(("sender",), ("receiver",))),
        "srm": Effects(_per_part(SIDES)),
        "srm_joint": Effects(_joint),  # with one part, it is srm
        "srm_dyadic": Effects(_per_part(SIDES), has_pairs=True),
        **{f"ame{rank}": Effects(_per_part(SIDES), rank=rank) for rank in RANKS},
        "additive": Effects(_per_part((CITY,)), directed=False),
        "additive_joint": Effects(_city_joint, directed=False),  # with one part, it is additive
        **{
            f"additive_ame{rank}": Effects(_per_part((CITY,)), directed=False, rank=rank)
            for rank in RANKS
        },
    },
)


@dataclass(frozen=True)
class ModelName:
    """A family and an effects structure.

    Attributes
    ----------
    family_name : str
        The key of ``FAMILIES``; of a study's own link, with it: ``bernoulli_probit``.
    blocks : tuple of tuple of Role
        The roles of cities, grouped into those whose effects are correlated.
    has_pairs : bool
        Whether there are pair effects.
    has_correlated_residuals : bool
        Whether the residuals of amounts correlate between the two directions.
    directed : bool or None
        Whether it is of directed dyads; None of either.
    ranks : tuple of int
        Dimensions of the multiplicative effects of each part, in their order; 0 without.
    """

    name: str
    family_name: str
    blocks: Blocks
    has_pairs: bool
    has_correlated_residuals: bool = False
    directed: bool | None = True
    ranks: tuple[int, ...] = ()

    @property
    def family(self) -> Family:
        return FAMILIES[self.family_name]

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.family.parts

    @property
    def roles(self) -> tuple[Role, ...]:
        return tuple(role for block in self.blocks for role in block)

    @property
    def factor_parts(self) -> tuple[Part, ...]:
        """The parts that have multiplicative effects."""
        return tuple(part for part in self.parts if self.rank_of(part))

    def rank_of(self, part: Part) -> int:
        """Give the dimensions of a part's multiplicative effects; 0 without."""
        return dict(zip(self.parts, self.ranks, strict=False)).get(part, 0)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Every parameter that has a prior."""
        pairs = [part for part in self.parts if self.has_pairs]
        return (
            *(name for part in self.parts for name in (part.intercept, part.coef)),
            *(role.sd for role in self.roles),
            *(correlation_name(block) for block in self.blocks if len(block) > 1),
            *(name for part in pairs for name in (part.pair.sd, part.dyadic_reciprocity)),
            *(part.factor_sd for part in self.factor_parts),
            *([Part.DEGREE.dyadic_reciprocity] if self.has_correlated_residuals else []),
            *([self.family.scale] if self.family.scale else []),
        )

    @property
    def cautions(self) -> tuple[str, ...]:
        """What a reader of the model's results must know."""
        if self.has_pairs and self.family.scale:
            return (COMPETING,)
        if self.has_pairs and self.family.outcome is TIE:
            return (HARDLY_TOLD,)
        return ()


def correlation_name(block: Sequence[Role]) -> str:
    """Name the correlations of a group of roles.

    Returns
    -------
    str
        For one part's sender and receiver ``<part>_generalized_reciprocity``, else
        ``city_correlation``.
    """
    parts = {role.part for role in block}
    if len(block) == 2 and len(parts) == 1:
        return parts.pop().generalized_reciprocity
    return CITY_CORRELATION


def role_pairs(block: Sequence[Role]) -> list[str]:
    """Label the correlations of a group of roles.

    Returns
    -------
    list of str
        For example ``selection_sender & degree_receiver``; each pair once, in the order of the
        lower triangle of the correlation matrix, row by row.
    """
    return [f"{block[j]} & {block[i]}" for i in range(len(block)) for j in range(i)]


def model_names() -> list[str]:
    """List every model."""
    return [f"{family}_{effects}" for family in FAMILIES for effects in EFFECTS]


def parse_model(name: str) -> ModelName:
    """Take a model's name apart."""
    for family in FAMILIES:
        effects = name.removeprefix(f"{family}_")
        if effects in EFFECTS and effects != name:
            structure = EFFECTS[effects]
            blocks = structure.blocks(FAMILIES[family].parts)
            of_amounts = FAMILIES[family].kind == "amounts"
            has_factors = structure.directed is not False and structure.rank > 0
            return ModelName(
                name,
                family,
                blocks,
                has_pairs=structure.has_pairs and not of_amounts,
                has_correlated_residuals=of_amounts and (structure.has_pairs or has_factors),
                directed=structure.directed,
                ranks=(structure.rank,) * len(FAMILIES[family].parts),
            )
    raise ModelError(f"no model '{name}'; {suggest(name, model_names())}")


def refuse_misfit(model: "str | ModelName", study: Study) -> None:
    """Refuse a model of a study whose outcome its family cannot take, or has nothing to explain.

    Raises
    ------
    ModelError
        An outcome is of another kind than the family's; the family explains zeros, and no count is
        zero.
    """
    name = named(model, study)
    refuse_outcome(name, study)
    if len(name.parts) > 1 and bool((study.dyads["outcome"] > 0).all()):
        columns, absent = study.declaration.dyads, study.missing_dyads
        lacking = f"{absent} {columns.many} have no row: if these are zeros, write"
        remedy = f'{lacking} absent = "zero" under [dyads]; else ' if absent else ""
        raise ModelError(
            f"{name.name}: no '{columns.outcome}' is 0, so that there are no zeros to explain; "
            f"{remedy}take a model without a selection part, such as nb_srm"
        )


def refuse_outcome(name: ModelName, study: Study) -> None:
    """Refuse a model of a study whose outcome is of another kind than the family's.

    Raises
    ------
    ModelError
        The message names the first dyad whose outcome is none of the family's.
    """
    kind, declared, outcome = name.family.outcome, study.declaration.dyads, study.dyads["outcome"]
    pairs = name.has_pairs or name.has_correlated_residuals
    if pairs and study.dyads.sizes.get(PERIOD, 1) > 1:
        raise ModelError(
            f"{name.name}: the dyads are a panel, of which there are models with city effects, as "
            f"{name.family_name}_{'srm' if declared.directed else 'additive'}, and none with "
            "pair effects or correlated residuals"
        )
    if name.directed is not None and name.directed != declared.directed:
        there = [key for key, row in EFFECTS.items() if row.directed in (None, declared.directed)]
        which = "directed" if declared.directed else "undirected"
        effects = ", ".join(there)
        raise ModelError(f"{name.name}: the dyads are {which}; their effects are {effects}")
    if kind.has_trials and "trials" not in study.dyads:
        raise ModelError(
            f"{name.name} takes successes: name the column of trials under [dyads], as in "
            'trials = "meetings"'
        )
    if declared.exposure is not None and not kind.has_exposure:
        raise ModelError(f"{name.name} takes no exposure, which is of counts")
    wrong = (abs(outcome) > kind.largest) | (kind.is_whole & ((outcome < 0) | (outcome % 1 != 0)))
    if kind.has_trials:
        wrong = wrong | (outcome > study.dyads["trials"])
    if wrong.any():
        first = outcome[wrong.to_numpy()][0]
        raise ModelError(
            f"{name.name}: the '{declared.outcome}' of {first['dyad'].item()} is "
            f"{first.item():g}; {kind.rule}"
        )


def named(model: str | ModelName, study: Study | None = None) -> ModelName:
    """Take a model as it is, or by its name; with the link and factors that its study declares."""
    if isinstance(model, ModelName):
        return model
    if study is None:
        return parse_model(model)
    name = parse_model(study.declaration.linked(model))
    if not name.factor_parts:
        return name
    declared = {part: study.declaration.factors.of(part) for part in name.parts}
    given = zip(declared.values(), name.ranks, strict=True)
    name = replace(name, ranks=tuple(own if of is None else of for of, own in given))
    if not name.factor_parts:
        raise ModelError(f"{name.name}: [factors] leaves no dimension to its parts; take another")
    return name
