"""Look at a data set's augmentation before training with it."""

import os
from pathlib import Path

from torch import Generator

from sightline.commands.train.plan import facts_of, make_plan
from sightline.config import TrainOptions
from sightline.data.augment.contact_sheet import augmentation_sheet
from sightline.data.batches import to_resident
from sightline.data.class_turns import in_class_turns
from sightline.data.imageset import ImageSet
from sightline.data.load import load_data
from sightline.data.randomness import derived_seed
from sightline.machine import files
from sightline.models.registry import find_model
from sightline.pixels.preprocess import Preprocess

COLUMNS = 8  # images on the sheet


def write_augmentation_sheet(
    data: str | os.PathLike[str], folder: str | os.PathLike[str] = ".", *, recipe: str | None = None, seed: int = 0
) -> Path:
    """Write <data>-augmentation.png into `folder` and return its path: eight training images, varied, at network size.

    recipe: shows what this recipe does to this data; None shows every kind of augmentation there is, strongly.
    Raises DataError, ConfigError for an unknown recipe, StorageError.
    """
    splits = load_data(data, seed=seed)
    plan = make_plan(facts_of(splits), TrainOptions(recipe=recipe or "default"))
    chosen = _of_every_class(splits.train, seed)
    channels = chosen.images.channels
    size = plan.size or find_model(plan.model).size
    preprocess = Preprocess(size=(size, size), channels=channels, mean=(0.0,) * channels, std=(1.0,) * channels)
    sheet = augmentation_sheet(
        to_resident(chosen, preprocess), plan.config.augment if recipe is not None else None, seed=seed
    )
    path = Path(folder, f"{splits.name}-augmentation.png")
    files.make_folder(path.parent)
    with files.replacing(path) as file:
        sheet.save(file, format="PNG")
    return path


def _of_every_class(image_set: ImageSet, seed: int) -> ImageSet:
    """Up to `COLUMNS` images, of as many classes as possible."""
    generator = Generator().manual_seed(derived_seed(seed, "preview", 0))
    return image_set.take(in_class_turns(image_set.labels, generator, by_class=False)[:COLUMNS])
