"""A training in words."""

from typing import Any

import torch

from sightline.config import AugmentConfig, TrainConfig, Transfer
from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.models.registry import find_architecture
from sightline.pixels.preprocess import Preprocess
from sightline.reporting.description import announcement, facts_of_job
from sightline.runs.job import Job

TRANSFER = Transfer(weights="/somewhere/tiny.safetensors", finetune="none")
ARCHITECTURE = find_architecture("lenet5", num_classes=2, size=32)


def job(config: TrainConfig | None = None, **settings: Any) -> Job:
    return Job(
        data="pets",
        recipe="default",
        architecture=ARCHITECTURE,
        preprocess=Preprocess(size=(32, 32), mean=(0.5,) * 3, std=(0.25,) * 3),
        config=config or TrainConfig(epochs=3, device="cpu", precision="fp32"),
        **settings,
    )


def splits(*, validated: bool = True) -> Splits:
    def images(count: int) -> ImageSet:
        pixels = torch.zeros(count, 3, 32, 32, dtype=torch.uint8)
        return ImageSet(ArrayImages(pixels), torch.arange(count) % 2, ("cat", "dog"), tuple(map(str, range(count))))

    return Splits("pets", images(7), images(2) if validated else None, images(3))


def test_the_facts_of_a_training_from_scratch() -> None:
    facts = facts_of_job(job(fit_reason="crop: as asked"), splits())
    assert (facts.data, facts.model, facts.parameters) == ("pets", "lenet5", ARCHITECTURE.parameters)
    assert (facts.train_images, facts.val_images, facts.test_images, facts.epochs) == (7, 2, 3, 3)
    assert facts.class_counts == {"cat": 4, "dog": 3}
    assert facts.settings["fit"] == "crop: as asked"
    assert (facts.settings["epochs"], facts.settings["balance"]) == ("3", "none")
    assert facts.settings["device"].startswith("cpu, fp32: ")
    assert not facts.settings.keys() & {"pretrained weights", "head", "fine-tuning"}


def test_a_head_alone_has_no_epochs() -> None:
    facts = facts_of_job(job(transfer=TRANSFER), splits())
    assert facts.epochs == 0
    assert facts.settings["pretrained weights"] == "tiny.safetensors"
    assert (facts.settings["head"], facts.settings["fine-tuning"]) == ("linear", "none")
    assert not facts.settings.keys() & {"epochs", "optimisers", "augmentation"}


def test_auto_fine_tunes_only_where_validation_can_judge() -> None:
    auto = Transfer(weights="imagenet")
    assert facts_of_job(job(transfer=auto), splits()).epochs == 3
    assert facts_of_job(job(transfer=auto), splits(validated=False)).epochs == 0


def test_settings_in_words() -> None:
    config = TrainConfig(
        seconds=90, device="cpu", precision="fp32", sampling="balanced", augment=AugmentConfig(resized_crop=0.35)
    )
    facts = facts_of_job(job(config), splits())
    assert facts.epochs is None
    assert facts.settings["epochs"] == "as many as fit into 90 s"
    assert (facts.settings["balance"], facts.settings["augmentation"]) == ("sampler", "resized crop 0.35")


def test_the_announcement_is_one_line() -> None:
    facts = facts_of_job(job(), splits())
    said = announcement(job(), facts)
    start = f"lenet5 ({ARCHITECTURE.parameters:,} parameters) on pets: 7 images and 2 for validation, 2 classes; cpu, "
    assert said.startswith(start)
    alone = announcement(job(), facts_of_job(job(), splits(validated=False)))
    assert " on pets: 7 images, 2 classes; " in alone
