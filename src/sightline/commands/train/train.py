"""`train`: the whole job, from what the user calls the data to a run folder with a network and a report.

`_train` reads from top to bottom; each step is a module and can be called alone, by a search for one: gather once,
prepare images once for all plans that see them alike, then open and learn as often as wanted. Test images are decoded
with the others; only `judge` scores them.
"""

import os
from collections.abc import Sequence
from typing import Literal

from sightline.commands.train.gather import gather
from sightline.commands.train.judge import judge
from sightline.commands.train.learn import learn
from sightline.commands.train.naive import score_naively
from sightline.commands.train.open import open_run, prepare_images, reopen
from sightline.commands.train.plan import check_options, plan
from sightline.commands.train.tell import tell
from sightline.config import BalanceName, FramingName, HeadName, PrecisionName, ReportName, TrainOptions, require
from sightline.errors import ConfigError
from sightline.machine.clock import Clock
from sightline.machine.threads import import_ahead
from sightline.reporting.console import Narrator
from sightline.reporting.live_page import LivePage
from sightline.runs.run import Run
from sightline.training.listener import Listener, Listeners, stop_told


def train(
    data: str | os.PathLike[str] | None = None,
    *,
    model: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    head: HeadName | None = None,
    finetune: str | int | None = None,
    recipe: str = "default",
    epochs: int | None = None,
    time: str | float | None = None,
    size: int | None = None,
    fit: FramingName = "auto",
    cache: str | None = None,
    batch_size: int | None = None,
    lr: float | Literal["auto"] | None = None,
    balance: BalanceName = "auto",
    val: str | float | None = None,
    group_by: str | None = None,
    naive_too: bool = False,
    report: ReportName = "full",
    seed: int = 0,
    device: str = "auto",
    precision: PrecisionName = "auto",
    out: str | os.PathLike[str] | None = None,
    resume: str | os.PathLike[str] | None = None,
    quiet: bool = False,
    listeners: Sequence[Listener] = (),
    started: float | None = None,
) -> Run:
    """Train a classifier on `data` and return its run folder: the network, its scores and a report.

    data: a named set, a folder of class folders or a CSV table (see `load_data`); not needed with `resume`.
    The options are those of `sightline train`, told in `config.TrainOptions`.
    listeners: are told what happens, after the terminal; see `training.listener.Listener`.
    started: `time.monotonic()` when the user began to wait, which a time budget counts from; by default now.

    Ctrl-C and SIGTERM save and raise Interrupted, whose hint says how to go on. Raises ConfigError, DataError,
    ModelError, StorageError, RunError for what the user can mend, TrainingError when the loss is not finite.
    """
    options = TrainOptions(
        model=model,
        weights=None if weights is None else os.fspath(weights),
        head=head,
        finetune=None if finetune is None else str(finetune),
        recipe=recipe,
        epochs=epochs,
        time=None if time is None else str(time),
        size=size,
        fit=fit,
        cache=cache,
        batch_size=batch_size,
        lr=lr,
        balance=balance,
        val=None if val is None else str(val),
        group_by=group_by,
        naive_too=naive_too,
        report=report,
        seed=seed,
        device=device,
        precision=precision,
        out=None if out is None else os.fspath(out),
        resume=None if resume is None else os.fspath(resume),
    )
    for listener in listeners if isinstance(listeners, Sequence) else [listeners]:
        require(
            isinstance(listener, Listener) and isinstance(listeners, Sequence),
            f"{listener!r} is no listener in a list",
            "give instances of subclasses of sightline.Listener, e.g. listeners=[Curve()]",
        )
    narrator = Narrator(quiet=quiet)
    return _train(None if data is None else os.fspath(data), options, narrator, listeners, Clock(started))


def _train(
    data: str | None, options: TrainOptions, narrator: Narrator, listeners: Sequence[Listener], clock: Clock
) -> Run:
    listener = Listeners([narrator, *listeners])
    if options.resume:
        opened = reopen(data, options, listener=listener)
    else:
        if data is None:
            raise ConfigError("no data is given", hint="name a data set or a folder, e.g. `sightline train digits`")
        check_options(options)
        gathered = gather(data, val=options.val, group_by=options.group_by, seed=options.seed, listener=listener)
        planned = plan(gathered, options)
        prepared = prepare_images(gathered.splits, planned, listener=listener)
        opened = open_run(planned, prepared, out=options.out, audit=gathered.audit, listener=listener, clock=clock)
    listener.begin(opened.run, opened.job, opened.splits, resumed=opened.resumed)
    everyone = Listeners([listener, LivePage(opened.run, opened.job, opened.splits, resumed=opened.resumed)])

    # Scoring needs scikit-learn, which takes a second to import: a thread does it while the network trains.
    import_ahead("sklearn.metrics")
    learned = learn(opened, listener=everyone, clock=clock)
    with stop_told(everyone):
        learned.classifier.save(opened.run.model_folder)
        judged = judge(opened, learned)
        # The others hear of one training only, the one that was asked for.
        naive = score_naively(opened, judged.evaluation, narrator) if opened.job.naive_too else None
        tell(opened, learned, judged, naive=naive, listener=listener, clock=clock)
    return opened.run
