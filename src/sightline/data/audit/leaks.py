"""Training images that the test has seen: duplicates across splits that the data itself made, taken out of training."""

import dataclasses
from collections.abc import Sequence

from sightline.data.audit.duplicates import DuplicateGroup
from sightline.data.imageset import ImageSet, Splits, Unused
from sightline.errors import DataError


def without_leaks(splits: Splits, duplicates: Sequence[DuplicateGroup], images: ImageSet) -> Splits:
    """The splits without the training images that are duplicates of validation or test images, and so on upwards.

    duplicates: groups of indices of `images`, all images before the split. The test images stay: their number must not
    depend on what one trains with. What leaves is listed in `unused`, and a warning says how many there are. Raises
    DataError when no training image of a class would stay.
    """
    where = {name: split for split in ("train", "val", "test") for name in _ids(getattr(splits, split))}
    leaving: dict[str, str] = {}
    for group in duplicates:
        names = [images.ids[index] for index in group.indices if images.ids[index] in where]
        home = next((split for split in ("test", "val", "train") if any(where[name] == split for name in names)), "")
        original = next((name for name in names if where[name] == home), "")
        leaving |= {name: original for name in names if where[name] != home}
    if not leaving:
        return splits

    def rest(image_set: ImageSet | None) -> ImageSet | None:
        if image_set is None:
            return None
        rows = [index for index, name in enumerate(image_set.ids) if name not in leaving]
        return image_set.take(rows) if rows else None

    train = rest(splits.train)
    counts = train.counts() if train else dict.fromkeys(splits.classes, 0)
    emptied = [name for name, count in splits.train.counts().items() if count and not counts[name]]
    if train is None or emptied:
        what = "every training image" if train is None else f"every training image of class '{emptied[0]}'"
        raise DataError(f"{what} is a duplicate of a held-out one", hint="remove the copies from one of the splits")
    unused = tuple(
        Unused(name, f"duplicate of {original}, which is held out", "copy") for name, original in leaving.items()
    )
    them = (
        "1 image is a duplicate of a held-out one"
        if len(leaving) == 1
        else f"{len(leaving):,} images are duplicates of held-out ones"
    )
    return dataclasses.replace(
        splits,
        train=train,
        val=rest(splits.val),
        unused=(*splits.unused, *unused),
        warnings=(
            *splits.warnings,
            f"{them}, so the network is not trained with {'it' if len(leaving) == 1 else 'them'}",
        ),
    )


def _ids(image_set: ImageSet | None) -> tuple[str, ...]:
    return image_set.ids if image_set else ()
