"""`interlocal sbc`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from analysis.commands.options import (
    Chains,
    Draws,
    RandomSlopes,
    Results,
    Seed,
    TargetAccept,
    Tune,
)
from data.errors import ModelError

MOST_REPLICATES = 100_000


def sbc(
    model: Annotated[str, typer.Option(help="Family and effects, for example zinb_srm.")] = "",
    replicates: Annotated[int, typer.Option(help="How many truths are drawn and fitted.")] = 200,
    cities: Annotated[int, typer.Option(help="Cities of each simulated study.")] = 12,
    priors: Annotated[
        str, typer.Option(help="What truth is drawn from and fits assume: a set or a TOML file.")
    ] = "calibration",
    seed: Seed = 20221,
    draws: Draws = 1000,
    tune: Tune = 1000,
    chains: Chains = 4,
    target_accept: TargetAccept = 0.8,
    slopes: RandomSlopes = None,
    scheduler: Annotated[
        str, typer.Option(help="A dask scheduler, tcp://host:port; this machine's cores if empty.")
    ] = "",
    results: Results = "results",
) -> None:
    """Calibrate a model by simulation: is the truth as uncertain as its posterior says?

    Truth is drawn from the priors, counts from the model; each fit ranks the truth among its
    draws, and the ranks are held against the uniform law. Each replicate is kept as it ends in
    RESULTS/SBC/MODEL-DIGEST/, and is not made again. The exit status is 3 where a parameter's
    ranks lie outside the simultaneous 99 % envelope.
    """
    from models.settings import Settings

    if not model.strip():
        raise ModelError("no model; name one, as in MODEL=zinb_srm or --model zinb_srm")
    if not 1 <= replicates <= MOST_REPLICATES:
        raise ModelError(f"replicates is {replicates}; it lies between 1 and {MOST_REPLICATES}")
    settings = Settings(draws, tune, chains, seed, target_accept)

    from contextlib import nullcontext

    from analysis.chapters.calibration import calibration_page, write_calibration
    from analysis.tables.terminal import console, show
    from models.priors.prior_set import Priors
    from models.simulation.calibration import Calibration
    from models.simulation.replicates import calibration_folder, complete, replicate_pieces
    from models.work.cluster import in_process, on_cluster
    from models.work.pieces import Bench
    from models.work.progress import reporting

    calibration = Calibration(
        model.strip(), Priors.load(priors), cities, settings, slopes=tuple(slopes or ())
    )
    calibration.refuse_misfit()
    folder = calibration_folder(Path(results), calibration)
    pieces = replicate_pieces(folder, calibration, replicates)
    try:
        whole = len(pieces.kept) == replicates
        with (
            nullcontext(in_process) if whole else on_cluster(scheduler) as run,
            reporting(f"sbc {calibration.model} ({calibration.priors.name} priors)") as reporter,
        ):
            ranks = complete(pieces, calibration, Bench(run, reporter))
    except KeyboardInterrupt:
        kept = len(pieces.kept)
        print(
            f"\ninterrupted; {kept} of {replicates} replicates are kept in {folder}; "
            "the same command goes on from there",
            file=sys.stderr,
        )
        raise typer.Exit(130) from None
    page = calibration_page(ranks)
    write_calibration(ranks, page, folder)
    show(page, console())
    print(f"written: {folder}")
    outside = page.data.index[page.data["outside"]].tolist()
    if outside:
        print(f"error: not calibrated: {', '.join(outside)} (see above)", file=sys.stderr)
        raise typer.Exit(3)
