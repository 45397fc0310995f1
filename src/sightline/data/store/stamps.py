"""Whether originals are still what they were: their stamps (of files, size and time) are noted when they are read."""

from sightline.data.imageset import ImageSet, Unused
from sightline.data.originals import GONE


def changed_files(image_set: ImageSet | None) -> tuple[Unused, ...]:
    """The files that were deleted or rewritten since they were read, each with what happened to it.

    Only for images that `prepare` has brought into training; for others, and for arrays, there is nothing to compare
    with. What this cannot see: a file rewritten with as many bytes and its old time put back.
    """
    if image_set is None:
        return ()
    encoded = image_set.images.encoded
    if encoded is None or encoded.stamps is None:
        return ()
    changed = []
    for index, (name, before) in enumerate(zip(image_set.ids, encoded.stamps.tolist(), strict=True)):
        now = encoded.originals.stamp(index)
        if now != tuple(before):
            what = "deleted" if now[0] == GONE else "rewritten"
            changed.append(Unused(name, f"{what} during the training", "changed"))
    return tuple(changed)
