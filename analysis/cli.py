"""The command line: `interlocal`, with `make` as its front door."""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from data.errors import InterlocalError, ModelError

if TYPE_CHECKING:
    from data import Study
    from models.names import ModelName

LONGEST = 1000  # characters of a message; what it quotes may be a whole file

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Bayesian regression of directed dyads: how much each city directs at each other one.",
)


@app.callback()
def interlocal() -> None:
    """Bayesian regression of directed dyads: how much each city directs at each other one."""


StudyFolder = Annotated[
    str, typer.Argument(help="A study folder: study.toml and the table that it names.")
]
Models = Annotated[
    str,
    typer.Option("--model", help="One or several, as in 'zinb_srm nb_srm'; all of the study's."),
]
PriorSet = Annotated[str, typer.Option(help="A prior set by name (default, wide), or a TOML file.")]
Results = Annotated[str, typer.Option(help="Folder that results are kept in.")]


@app.command()
def sample(
    study: StudyFolder,
    models: Models = "",
    priors: PriorSet = "default",
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 20221,
    draws: Annotated[int, typer.Option(help="Draws kept, a chain.")] = 1000,
    tune: Annotated[int, typer.Option(help="Draws that tune the sampler, a chain.")] = 1000,
    chains: Annotated[int, typer.Option(help="Chains.")] = 4,
    target_accept: Annotated[
        float, typer.Option(help="Raise it, to 0.99 say, where draws diverge.")
    ] = 0.8,
    results: Results = "results",
    force: Annotated[
        bool, typer.Option("--force", help="Sample again, though nothing has changed.")
    ] = False,
) -> None:
    """Sample the models of a study, check the draws, keep and summarise them.

    Each fit goes to RESULTS/STUDY/PRIORS/MODEL.nc, a netCDF file that ArviZ reads. A fit whose
    study, priors and settings are unchanged is shown, not made again. A fit that fails its
    diagnostics goes to MODEL.failed.nc, and the exit status is 3.
    """
    from data.study import read_study  # noqa: PLC0415 - nothing heavy before it is needed
    from models.settings import Settings  # noqa: PLC0415

    settings = Settings(draws, tune, chains, seed, target_accept)
    checked = read_study(study)
    names = _chosen(models, study, checked)

    from analysis.loading import open_fit  # noqa: PLC0415
    from analysis.terminal import console, print_fit  # noqa: PLC0415
    from models.priors import Priors  # noqa: PLC0415
    from models.store import sample_to_file  # noqa: PLC0415

    prior_set = Priors.load(priors)
    for model in names:
        prior_set.refuse_misfit(model, checked.terms)
    failed, kept = [], []
    try:
        for model in names:
            path, reused = sample_to_file(
                checked, model.name, prior_set, settings, Path(results), force=force
            )
            kept.append(path)
            with open_fit(path) as fit:
                print_fit(fit, path, reused=reused, out=console())
                if not fit.attrs["passed"]:
                    failed.append(model.name)
    except KeyboardInterrupt:
        files = ", ".join(map(str, kept)) or "no fit was finished"
        print(f"\ninterrupted; kept: {files}; nothing is half-written", file=sys.stderr)
        raise typer.Exit(130) from None
    if failed:
        print(f"error: {', '.join(failed)} failed the diagnostics (see above)", file=sys.stderr)
        raise typer.Exit(3)


@app.command()
def figures(
    study: StudyFolder,
    models: Models = "",
    priors: PriorSet = "default",
    results: Results = "results",
) -> None:
    """Draw the fits that `interlocal sample` has made.

    Each figure goes to RESULTS/STUDY/PRIORS/MODEL.coefficients.png and .svg.
    """
    from data.study import read_study  # noqa: PLC0415

    checked = read_study(study)
    names = [each.name for each in _chosen(models, study, checked)]

    from analysis.figures import coefficient_figure, save_figure  # noqa: PLC0415
    from analysis.loading import load  # noqa: PLC0415
    from models.priors import Priors  # noqa: PLC0415

    prior_set = Priors.load(priors).name
    for name in names:
        with load(checked.name, name, prior_set, results=results) as fit:
            stem = Path(results) / checked.name / prior_set / f"{name}.coefficients"
            for path in save_figure(coefficient_figure(fit), stem):
                print(f"written: {path}")


def _chosen(models: str, folder: str, study: "Study") -> "list[ModelName]":
    from models.names import parse_model  # noqa: PLC0415

    written = models.replace(",", " ").split()
    try:
        return [parse_model(name) for name in dict.fromkeys(written or study.declaration.models)]
    except ModelError as error:
        source = "" if written else f"{Path(folder) / 'study.toml'}: models: "
        raise ModelError(f"{source}{error}") from None


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words of the command; those of the process by default.

    Returns
    -------
    int
        Exit status: 0 done, 2 bad input (one line says what), 3 a fit failed its diagnostics,
        130 interrupted.
    """
    warnings.simplefilter("ignore")  # libraries' own; ours are printed with the results
    try:
        status = app(args=arguments, prog_name="interlocal", standalone_mode=False)
    except InterlocalError as error:
        _complain(str(error))
        return error.exit_status
    except typer.TyperException as error:  # an option or argument that typer refuses
        if message := error.format_message():
            _complain(f"{message.rstrip('.')}; see interlocal --help")
        return 2
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("\ninterrupted; nothing is half-written", file=sys.stderr)
        return 130
    return status if isinstance(status, int) else 0


def _complain(message: str) -> None:
    """Print one line, whatever the text that it quotes may hold."""
    line = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in message)
    print(f"error: {line[:LONGEST]}{'…' * (len(line) > LONGEST)}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
