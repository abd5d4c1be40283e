"""What several commands take."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import ModelError

if TYPE_CHECKING:
    from data import Study
    from models.name import ModelName

StudyFolder = Annotated[
    str, typer.Argument(help="A study folder: study.toml and the table that it names.")
]
Models = Annotated[
    str,
    typer.Option("--model", help="One or several, as in 'zinb_srm nb_srm'; all of the study's."),
]
PriorSet = Annotated[
    str, typer.Option(help="A prior set by name (interlocal priors lists them), or a TOML file.")
]
Results = Annotated[str, typer.Option(help="Folder that results are kept in.")]
Seed = Annotated[int, typer.Option(help="Seed of every random draw.", min=0, max=2**63 - 1)]
Draws = Annotated[int, typer.Option(help="Draws kept, a chain.")]
Tune = Annotated[int, typer.Option(help="Draws that tune the sampler, a chain.")]
Chains = Annotated[int, typer.Option(help="Chains.")]
TargetAccept = Annotated[float, typer.Option(help="Raise it, to 0.99 say, where draws diverge.")]
RandomSlopes = Annotated[
    list[str] | None,
    typer.Option(
        "--slope",
        help="A coefficient that varies by city, as in degree:sender:scale(proximity); "
        "may be given several times, in place of study.toml's table of slopes.",
    ),
]
Sampler = Annotated[
    str, typer.Option(help="nutpie, pymc or numpyro; numpyro uses a GPU where JAX finds one.")
]


def chosen_models(models: str, folder: str, study: "Study") -> "list[ModelName]":
    """Take the names of models apart.

    Parameters
    ----------
    models : str
        Names, with blanks or commas between them; all models of the study where it is empty.
    folder : str
        The study's folder, for messages.
    study : Study
        The study.

    Returns
    -------
    list of ModelName
        Each model once, in the order given.

    Raises
    ------
    ModelError
        There is no such model, or it explains what the study has not.
    """
    from models.name import named, refuse_misfit

    written = models.replace(",", " ").split()
    try:
        names = dict.fromkeys(written or study.declaration.models)
        found = [named(name, study) for name in names]
        for model in found:
            refuse_misfit(model, study)
    except ModelError as error:
        source = "" if written else f"{Path(folder) / 'study.toml'}: models: "
        raise ModelError(f"{source}{error}") from None
    return found
