"""`interlocal simulate`."""

from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import Seed


def simulate(
    out: Annotated[str, typer.Option(help="The study folder to make; it must not exist.")],
    cities: Annotated[int, typer.Option(help="How many cities, 3 to 1000.")] = 40,
    model: Annotated[
        str, typer.Option(help="Family and effects to draw from, for example zinb_srm.")
    ] = "zinb_srm",
    seed: Seed = 1,
) -> None:
    """Make a study from a model whose parameters are known.

    The folder holds study.toml, dyads.csv and truth.toml, the parameters and city effects that
    the counts were drawn from. It is a study like any other: interlocal sample takes it.
    """
    from analysis.tables.words import spread_words
    from models.likelihood.observed import trials_of
    from models.name import named
    from models.simulation.simulate import simulate_study, write_simulated

    study, parameters = simulate_study(cities, model, seed=seed)
    write_simulated(study, parameters, Path(out))
    dyads = study.dyads
    spread = spread_words(named(model).family, dyads["outcome"].to_numpy(), trials_of(dyads))
    many = study.declaration.dyads.many
    print(f"written: {out}: {dyads.sizes['dyad']} {many}, {spread}, synthetic")
