"""`interlocal priors`."""

from typing import Annotated

import typer

from analysis.commands.options import Models, PriorSet, chosen_models


def priors(
    study: Annotated[
        str | None, typer.Argument(help="A study folder; without it, the prior sets are listed.")
    ] = None,
    models: Models = "",
    priors: PriorSet = "default",
) -> None:
    """List the prior sets, or every prior in force for a study and its models.

    Each prior is shown with the file and the key that it comes from.
    """
    from analysis.chapters.models import prior_sets_table, priors_table
    from analysis.tables.terminal import console, show_blocks
    from models.priors.prior_set import Priors

    if study is None:
        show_blocks([prior_sets_table()], console())
        return

    from data.study import read_study

    checked, chosen = read_study(study), Priors.load(priors)
    names = chosen_models(models, study, checked)
    for table in [priors_table(chosen, checked, name.name) for name in names]:
        print()
        show_blocks([table], console())
