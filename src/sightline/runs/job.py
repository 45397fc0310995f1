"""A training as it is written into config.json: all that is needed to repeat it, or to go on with it."""

import shlex
from dataclasses import dataclass

from sightline.config import AT_HAND, ReportName, TrainConfig, Transfer, from_json
from sightline.errors import RunError
from sightline.models.registry import Architecture
from sightline.pixels.preprocess import Preprocess
from sightline.runs.run import Run

FORMAT = 1  # of config.json


@dataclass(frozen=True, kw_only=True)
class Job:
    """The contents of config.json.

    data: a name, or the absolute path of a folder or table. val, group_by, cache: as asked; see `TrainOptions`.
    transfer: None for a network that learns from scratch. find_lr: a range test has yet to set the learning rate.
    fit_reason: why images are brought to the network's shape as they are, as a clause; may be empty.
    naive_too: a second training is to follow, on a split that ignores duplicates and groups. bound: duplicates and
    groups are kept on one side of the split; False only in that second training.
    """

    format: int = FORMAT
    data: str
    val: str | None = None
    group_by: str | None = None
    bound: bool = True
    cache: str | None = None
    recipe: str
    architecture: Architecture
    preprocess: Preprocess
    transfer: Transfer | None = None
    config: TrainConfig
    find_lr: bool = False
    fit_reason: str = ""
    naive_too: bool = False
    report: ReportName = "full"

    @property
    def command(self) -> str:
        """The command that repeats this training with the same settings on the same data."""
        config, transfer = self.config, self.transfer
        words = ["sightline", "train", self.data, "--model", self.architecture.name, "--recipe", self.recipe]
        if transfer:
            words += ["--weights", transfer.weights] if transfer.weights != AT_HAND else []
            words += ["--head", transfer.head, "--finetune", transfer.finetune]
        words += ["--time", f"{config.seconds:.12g}s"] if config.seconds else []
        words += ["--size", str(self.architecture.size), "--fit", self.preprocess.fit]
        if transfer is None or transfer.finetune != "none":  # a head alone has no epochs, batches or rate
            words += [] if config.seconds else ["--epochs", str(config.epochs)]
            words += ["--batch-size", str(config.batch_size), "--lr", str(config.lr)]
        words += ["--balance", self._balance]
        words += ["--cache", self.cache] if self.cache is not None else []
        words += ["--val", self.val] if self.val is not None else []
        words += ["--group-by", self.group_by] if self.group_by is not None else []
        words += ["--seed", str(config.seed)]
        words += ["--device", config.device] if config.device != "auto" else []
        words += ["--precision", config.precision] if config.precision != "auto" else []
        words += ["--naive-too"] if self.naive_too else []
        words += ["--report", self.report] if self.report != "full" else []
        return shlex.join(words)

    @property
    def _balance(self) -> str:
        balanced = self.config.class_weights == "balanced"
        return "sampler" if self.config.sampling == "balanced" else "loss" if balanced else "none"


def read_job(run: Run) -> Job:
    """The contents of the run's config.json. Raises RunError or ConfigError when it is missing, damaged or newer."""
    saved = run.config
    if saved.get("format") != FORMAT:
        raise RunError(
            f"config.json has format {saved.get('format')}, this version reads {FORMAT}",
            where=str(run.config_path),
            hint="go on with the version of Sightline that wrote it",
        )
    return from_json(Job, saved, where=str(run.config_path))
