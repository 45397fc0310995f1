"""What the terminal and the report say of a training besides its scores: a `Job` and its data in words."""

import dataclasses
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch

from sightline import __version__
from sightline.config import TrainConfig
from sightline.data.imageset import Splits, Unused
from sightline.machine.device import find_device, find_precision
from sightline.runs.job import Job
from sightline.runs.records import Circumstances, Stage
from sightline.training.range_test import RangeTest


@dataclass(frozen=True, kw_only=True)
class TrainingFacts:
    """What the report tells of a training besides its scores.

    data, model: their short names. parameters: trainable numbers of the network.
    epochs: planned, None when the time decides. command: what to type to repeat it.
    settings, versions: shown as they are, in order. note: said wherever an accuracy is shown.
    class_counts: training images of each class, where they are known. range_test: what `--lr auto` saw.
    stages: of a pretrained network's training, those that are done; empty for training from scratch.
    label_smoothing: what the training loss has and the validation loss has not.
    """

    data: str
    model: str
    num_classes: int
    parameters: int
    train_images: int
    val_images: int = 0
    test_images: int = 0
    epochs: int | None = None
    command: str = ""
    note: str = ""
    class_counts: Mapping[str, int] = field(default_factory=dict)
    range_test: RangeTest | None = None
    label_smoothing: float = 0.0
    stages: Sequence[Stage] = ()
    unused: Sequence[Unused] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def facts_of_job(
    job: Job,
    splits: Splits,
    *,
    stages: Sequence[Stage] = (),
    range_test: RangeTest | None = None,
    circumstances: Circumstances | None = None,
) -> TrainingFacts:
    """What the report tells of this training; stages and range_test as far as there have been any.

    circumstances: of a training that is over, as metrics.json has them; by default this machine's.
    """
    known = circumstances or circumstances_of(job, splits)
    config, architecture = job.config, job.architecture
    return TrainingFacts(
        data=splits.name,
        model=architecture.name,
        num_classes=len(splits.classes),
        parameters=architecture.parameters,
        train_images=len(splits.train),
        val_images=len(splits.val) if splits.val else 0,
        test_images=len(splits.test) if splits.test else 0,
        epochs=None if config.seconds else 0 if _stays_frozen(job, splits) else config.epochs,
        command=job.command,
        note=splits.note,
        label_smoothing=config.label_smoothing,
        unused=splits.unused,
        class_counts=splits.train.counts(),
        stages=stages,
        range_test=range_test,
        settings=known.settings,
        versions=known.versions,
    )


def circumstances_of(job: Job, splits: Splits) -> Circumstances:
    """Settings and versions of a training on this machine."""
    return Circumstances(settings=_settings(job, splits), versions=_versions())


def _versions() -> dict[str, str]:
    return {
        "sightline": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _settings(job: Job, splits: Splits) -> dict[str, str]:
    """Setting -> value in words, as the report lists them."""
    config, transfer = job.config, job.transfer
    device = find_device(config.device)
    precision = find_precision(config.precision, device)
    settings = {"recipe": job.recipe, "images": job.preprocess.describe()}
    if job.fit_reason:
        settings["fit"] = job.fit_reason
    if transfer:
        settings |= {
            "pretrained weights": Path(transfer.weights).name,
            "head": transfer.head,
            "fine-tuning": transfer.finetune,
        }
    if not _stays_frozen(job, splits):
        settings |= {
            "epochs": f"as many as fit into {config.seconds:.0f} s" if config.seconds else str(config.epochs),
            "batch size": f"{config.batch_size:,}",
            "optimisers": ", ".join(dict.fromkeys(group.optimizer for group in config.groups)),
            "peak learning rate": f"{config.lr:g}, {config.schedule} schedule",
            "label smoothing": f"{config.label_smoothing:g}",
            "augmentation": _augmentation(config),
        }
    balance = {"sampler": config.sampling == "balanced", "loss": config.class_weights == "balanced"}
    settings["balance"] = ", ".join(name for name, on in balance.items() if on) or "none"
    return settings | {
        "views at test": config.views,
        "device": f"{device.type}, {precision.name}: {precision.reason}",
        "seed": str(config.seed),
    }


def _stays_frozen(job: Job, splits: Splits) -> bool:
    """Whether nothing but a new head is trained."""
    return job.transfer is not None and job.transfer.stays_frozen(validated=splits.val is not None)


def announcement(job: Job, facts: TrainingFacts) -> str:
    """One line before training: what is trained on what, where, how precisely and why."""
    held_out = f" and {facts.val_images:,} for validation" if facts.val_images else ""
    return (
        f"{facts.model} ({facts.parameters:,} parameters) on {facts.data}: {facts.train_images:,} images{held_out}, "
        f"{facts.num_classes} classes; {facts.settings['device']}"
    )


def _augmentation(config: TrainConfig) -> str:
    """The augmentations that are on, e.g. "flip alternating, shift 2"."""
    default = type(config.augment)()
    on = [
        f"{field.name.replace('_', ' ')} {getattr(config.augment, field.name)}"
        for field in dataclasses.fields(default)
        if field.name != "padding" and getattr(config.augment, field.name) != getattr(default, field.name)
    ]
    return ", ".join(on) or "none"
