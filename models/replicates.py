"""Many replicates of a calibration: on dask, each kept as it ends, none made twice."""

import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from pathlib import Path

import xarray as xr
from distributed import Client, Future, LocalCluster, as_completed

from data.errors import InterlocalError, SchedulerError
from data.files import refuse_unwritable, replacing
from models.calibration import Calibration, replicate
from models.progress import Reporter
from models.store import is_current

Runner = Callable[[Calibration, Sequence[int]], Iterator[xr.Dataset]]

SECONDS_TO_CONNECT = 10


def calibration_folder(results: Path, calibration: Calibration) -> Path:
    """Name the folder of a calibration.

    Parameters
    ----------
    results : pathlib.Path
        The results folder.
    calibration : Calibration
        What is calibrated.

    Returns
    -------
    pathlib.Path
        ``results/sbc/<model>-<digest>``; more replicates of the same calibration add to it.
    """
    return results / "sbc" / f"{calibration.model}-{calibration.digest[:12]}"


def kept_replicates(folder: Path, calibration: Calibration, replicates: int) -> dict[int, Path]:
    """Find the replicates that are there.

    Parameters
    ----------
    folder : pathlib.Path
        The calibration's folder, which need not exist.
    calibration : Calibration
        What is calibrated.
    replicates : int
        How many are wanted.

    Returns
    -------
    dict of int to pathlib.Path
        The file of each that can be read and belongs to the calibration.
    """
    paths = {number: _path(folder, number) for number in range(replicates)}
    return {number: path for number, path in paths.items() if is_current(path, calibration.digest)}


def complete(
    folder: Path,
    calibration: Calibration,
    replicates: int,
    run: Runner,
    reporter: Reporter,
) -> xr.Dataset:
    """Run the replicates that are missing, keep each as it ends, and put all together.

    Parameters
    ----------
    folder : pathlib.Path
        The calibration's folder.
    calibration : Calibration
        What is calibrated.
    replicates : int
        How many are wanted.
    run : callable
        ``(calibration, numbers)`` to replicates, in any order: `in_process`, or what
        `on_cluster` gives.
    reporter : Reporter
        Hears of progress.

    Returns
    -------
    xarray.Dataset
        What `models.calibration.replicate` returns, along ``replicate``; fits that failed the
        gate are among them. The attributes are the calibration's manifest.

    Raises
    ------
    ResultsError
        The folder cannot be written.
    """
    refuse_unwritable(folder / "replicates")
    kept = kept_replicates(folder, calibration, replicates)
    missing = [number for number in range(replicates) if number not in kept]
    failed = 0
    reporter.stage("replicates" + (f" ({len(kept)} are there already)" if kept else ""))
    for done, one in enumerate(run(calibration, missing), start=len(kept) + 1):
        path = _path(folder, int(one["replicate"]))
        with replacing(path) as temporary:
            one.to_netcdf(temporary, engine="h5netcdf")
        failed += not int(one["passed"])
        reporter.advance(done, replicates, f"{failed} failed the gate" if failed else "")
    each = [
        xr.load_dataset(_path(folder, number), engine="h5netcdf") for number in range(replicates)
    ]
    whole: xr.Dataset = xr.concat(
        [one.drop_attrs() for one in each], "replicate", join="exact", data_vars="all"
    )
    faults = ("replicate", [str(one.attrs["faults"]) for one in each])
    return whole.assign(faults=faults).assign_attrs(calibration.manifest)


def in_process(calibration: Calibration, numbers: Sequence[int]) -> Iterator[xr.Dataset]:
    """Run replicates one after the other, without dask.

    Parameters
    ----------
    calibration : Calibration
        What is calibrated.
    numbers : sequence of int
        Which replicates.

    Yields
    ------
    xarray.Dataset
        Each replicate.
    """
    for number in numbers:
        yield replicate(calibration, number)


@contextmanager
def on_cluster(scheduler: str = "") -> Iterator[Runner]:
    """Connect to dask.

    Parameters
    ----------
    scheduler : str
        The address of a scheduler, ``tcp://host:port``, whose workers have this package; a
        cluster on this machine where it is empty, a process a core.

    Yields
    ------
    callable
        Runs replicates on the cluster.

    Raises
    ------
    SchedulerError
        There is no scheduler at the address, or it has no workers.
    """
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # errors are raised, and told
    if scheduler:
        with _connected(scheduler) as client:
            yield _runner(client)
        return
    with ExitStack() as stack:
        with _interrupts_held():
            cluster = LocalCluster(
                n_workers=os.process_cpu_count() or 1,
                threads_per_worker=1,
                memory_limit=0,
                dashboard_address=None,
                silence_logs=logging.CRITICAL,
            )
            stack.enter_context(cluster)
        yield _runner(stack.enter_context(Client(cluster)))


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Deliver Ctrl-C after the block, and never to processes that are started in it.

    A terminal sends it to them too; they would each print a traceback. What is started inherits
    the mask, and so does a process that dask starts again later.
    """
    resource_tracker.ensure_running()  # lest it start in the block: it lifts the mask
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    try:
        client = Client(scheduler, timeout=SECONDS_TO_CONNECT)
    except (OSError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise SchedulerError(
            f"scheduler '{scheduler}': cannot be reached: {reason}; "
            "give it as tcp://host:port, or leave it out to use this machine"
        ) from None
    with client:
        try:
            client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
        except TimeoutError:
            raise SchedulerError(
                f"scheduler '{scheduler}': has no workers; start some with `dask worker`"
            ) from None
        yield client


def _runner(client: Client) -> Runner:
    def run(calibration: Calibration, numbers: Sequence[int]) -> Iterator[xr.Dataset]:
        futures = [client.submit(replicate, calibration, number, pure=False) for number in numbers]
        try:
            for future in as_completed(futures):
                yield _result(future)
                future.release()
        finally:
            client.cancel(futures)

    return run


def _result(future: Future) -> xr.Dataset:
    try:
        result: xr.Dataset = future.result()
    except InterlocalError:
        raise
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise SchedulerError(f"a worker failed: {reason}; finished replicates are kept") from error
    return result


def _path(folder: Path, number: int) -> Path:
    return folder / "replicates" / f"{number:05d}.nc"
