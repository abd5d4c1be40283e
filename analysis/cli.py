"""The command line: `interlocal`, with `make` as its front door."""

import re
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from data.errors import InterlocalError

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Bayesian regression of directed dyads: how much each city directs at each other one.",
)


@app.callback()
def interlocal() -> None:
    """Bayesian regression of directed dyads: how much each city directs at each other one."""


@app.command()
def sample(
    study: Annotated[
        str, typer.Argument(help="A study folder: study.toml and the table that it names.")
    ],
    model: Annotated[
        str,
        typer.Option(help="One model or several, as in 'zinb_srm nb_srm'; all of study.toml's."),
    ] = "",
    priors: Annotated[
        str, typer.Option(help="A prior set by name (default, wide), or a TOML file.")
    ] = "default",
    seed: Annotated[int, typer.Option(help="Seed of every random draw.")] = 20221,
    draws: Annotated[int, typer.Option(help="Draws kept, a chain.")] = 1000,
    tune: Annotated[int, typer.Option(help="Draws that tune the sampler, a chain.")] = 1000,
    chains: Annotated[int, typer.Option(help="Chains.")] = 4,
    target_accept: Annotated[
        float, typer.Option(help="Raise it, to 0.95 say, where draws diverge.")
    ] = 0.8,
    results: Annotated[str, typer.Option(help="Folder that results are kept in.")] = "results",
    force: Annotated[
        bool, typer.Option("--force", help="Sample again, though nothing has changed.")
    ] = False,
) -> None:
    """Sample the models of a study, check the draws, keep and summarise them.

    Each fit goes to RESULTS/<study>/<priors>/<model>.nc, an ArviZ-ready netCDF. A fit whose
    study, priors and settings are unchanged is shown, not made again. A fit that fails its
    diagnostics goes to <model>.failed.nc, and the exit status is 3.
    """
    from data.study import read_study  # noqa: PLC0415 - nothing heavy before it is needed
    from models.names import parse_model  # noqa: PLC0415

    checked = read_study(study)
    names = re.split(r"[\s,]+", model.strip()) if model.strip() else checked.declaration.models
    for name in names:
        parse_model(name)

    from analysis.loading import open_fit  # noqa: PLC0415
    from analysis.terminal import console, print_fit  # noqa: PLC0415
    from models.priors import Priors  # noqa: PLC0415
    from models.sampling import Settings  # noqa: PLC0415
    from models.store import sample_to_file  # noqa: PLC0415

    prior_set = Priors.load(priors)
    settings = Settings(draws, tune, chains, seed, target_accept)
    failed, kept = [], []
    try:
        for name in dict.fromkeys(names):
            path, reused = sample_to_file(
                checked, name, prior_set, settings, Path(results), force=force
            )
            kept.append(path)
            with open_fit(path) as fit:
                print_fit(fit, path, reused=reused, out=console())
                if not fit.attrs["passed"]:
                    failed.append(name)
    except KeyboardInterrupt:
        files = ", ".join(map(str, kept)) or "no fit was finished"
        print(f"\ninterrupted; kept: {files}; nothing is half-written", file=sys.stderr)
        raise typer.Exit(130) from None
    if failed:
        print(f"error: {', '.join(failed)} failed the diagnostics (see above)", file=sys.stderr)
        raise typer.Exit(3)


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
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status
    except typer.TyperException as error:  # an option or argument that typer refuses
        print(f"error: {error.format_message()}; see interlocal --help", file=sys.stderr)
        return 2
    except typer.Exit as stop:
        return stop.exit_code
    except (typer.Abort, KeyboardInterrupt):
        print("\ninterrupted; nothing is half-written", file=sys.stderr)
        return 130
    return status if isinstance(status, int) else 0


if __name__ == "__main__":
    sys.exit(main())
