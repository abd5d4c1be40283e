"""What effective draws cost with interlocal and with what people use: the same data and priors.

    .venv/bin/python tests/benchmarks/sampling.py --cities 21 60 --peers ours pymc-nutpie brms

Every program fits the same simulated studies under the priors of `default`, with as many draws, one
fit after another, each in a process of its own with empty caches, one thread for matrix products
and a limit of seconds. Compared are intercepts, coefficients, standard deviations, correlations and
dispersion: their smallest bulk ESS for each second of sampling, as the program counts it, and for
each second from the study to the draws, start and compilation included. The posterior means must
agree: a fast wrong answer is not an answer, and ends with exit status 1.

Tables (`tables.md`) and a figure (`speed.png`) are written to the folder of results, where each fit
is kept as it ends; what is kept there is not fitted again.
"""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path

from costs import costs
from drawing import draw_costs
from fits import GRADIENTS, Fit, Request, kept_or_made
from machine import made_by
from peers import BOTH, PEERS, UNCORRELATED
from tables import cost_table, gradient_table

from data.files import refuse_unwritable, replacing
from models.settings import Settings

FARTHEST = ("ours", "pymc-nutpie")  # the others are slower, and run up to --largest cities
AGREE = 4.0  # Monte Carlo standard errors
CAPTION = """ESS: smallest bulk ESS over intercepts, coefficients, sds, correlations and dispersion.
Sampling: tuning and draws, as the program counts them. All: from the study to the draws, with
start and compilation. Ours : it: the ratio of our ESS/s to the program's. Memory: the most that
all processes of a fit held together, compilation included (with brms that is the C++ compiler).
Largest z: of the differences from our posterior means, in Monte Carlo standard errors. Above the
limit, bounds hold where all draws would have been independent.
"""


def main(arguments: list[str] | None = None) -> int:
    """Fit, write and print; give the exit status."""
    given = _options().parse_args(arguments)
    load = os.getloadavg()[0]
    refuse_unwritable(given.results)
    how = Settings(given.draws, given.tune, given.chains)
    gradients = [
        _done(Request(model, cities, GRADIENTS, how), given)
        for model in given.models
        for cities in sorted(given.cities)
    ]
    fits: list[Fit] = []
    unrun: dict[tuple[str, int, str], str] = {}
    if not given.gradients_only:
        for model in given.models:
            _fit_all(model, how, given, fits, unrun)
    return _report(given, gradients, fits, unrun, load)


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cities", type=int, nargs="+", default=[21, 60, 130, 337])
    parser.add_argument("--models", nargs="+", default=BOTH, choices=BOTH)
    parser.add_argument("--peers", nargs="+", default=list(PEERS), choices=PEERS)
    parser.add_argument(
        "--largest", type=int, default=60, help=f"cities of peers other than {', '.join(FARTHEST)}"
    )
    parser.add_argument("--limit", type=float, default=900, help="seconds a fit")
    parser.add_argument("--rounds", type=int, default=1, help="fits of each peer, in turn")
    for name in ("draws", "tune", "chains"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Settings, name))
    parser.add_argument("--gradients-only", action="store_true")
    parser.add_argument("--results", type=Path, default=Path("results/benchmarks"))
    parser.add_argument("--force", action="store_true", help="fit again what is kept")
    return parser


def _fit_all(
    model: str,
    how: Settings,
    given: argparse.Namespace,
    fits: list[Fit],
    unrun: dict[tuple[str, int, str], str],
) -> None:
    lacking = {peer: PEERS[peer].lacking for peer in given.peers}
    exceeded: dict[str, int] = {}
    for cities in sorted(given.cities):
        for number in range(given.rounds):
            # ours first: the others are held against it
            for peer in sorted(given.peers, key=list(PEERS).index):
                why = lacking[peer]
                if model not in PEERS[peer].models:
                    why = UNCORRELATED
                elif cities > given.largest and peer not in FARTHEST:
                    why = f"only up to {given.largest} cities by choice"
                elif peer in exceeded:
                    why = f"over {given.limit:g} s at {exceeded[peer]}"
                if why:
                    if exceeded.get(peer) != cities:
                        unrun[model, cities, peer] = why
                    continue
                seed = replace(how, seed=how.seed + number)
                fits.append(_done(Request(model, cities, peer, seed), given))
                if fits[-1].state == "exceeded":
                    exceeded[peer] = cities


def _done(request: Request, given: argparse.Namespace) -> Fit:
    print(f"{_named(request)}: ", end="", flush=True)
    fit = kept_or_made(request, given.limit, given.results, force=given.force)
    seconds = fit.attributes.get("total_seconds")
    words = {"exceeded": f"> {fit.attributes['limit']:g} s", "failed": "failed"}
    said = words.get(fit.state, "done" if seconds is None else f"{seconds:.0f} s")
    print(said + (", kept from an earlier run" if fit.is_kept else ""), flush=True)
    return fit


def _named(request: Request) -> str:
    return f"{request.model}, {request.cities} cities, {request.peer}"


def _report(
    given: argparse.Namespace,
    gradients: list[Fit],
    fits: list[Fit],
    unrun: dict[tuple[str, int, str], str],
    load: float,
) -> int:
    parts = [made_by([*gradients, *fits], load), gradient_table(gradients)]
    failed = [fit for fit in [*gradients, *fits] if fit.state == "failed"]
    faults = [f"{_named(fit.request)} failed, see {fit.log}" for fit in failed]
    if fits:
        rows = costs(fits)
        parts += [CAPTION, *(cost_table(rows, model, unrun) for model in given.models)]
        apart = rows[rows["z"] >= AGREE]
        faults += [
            f"{row.model}, {row.cities} cities: {PEERS[row.peer].label} is {row.z:.1f} Monte Carlo "
            "standard errors from our posterior means"
            for row in apart.itertuples()
        ]
        draw_costs(rows, given.results / "speed.png")
    text = "\n".join(parts)
    with replacing(given.results / "tables.md") as target:
        target.write_text(text, encoding="utf-8")
    print(f"\n{text}")
    for fault in faults:
        print(f"error: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
