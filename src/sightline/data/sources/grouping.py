"""Groups of images that must stay on one side of a split, told by a pattern in their names.

`--group-by` is the column of a table (`patient`) or a regular expression that finds the group in an image's name:
`patient(\\d+)` puts patient07_left.png and patient07_right.png of any class together.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from sightline.data.sources.listing import LabelledFile, Listing
from sightline.errors import ConfigError


def grouped_by_pattern(listing: Listing, pattern: str) -> Listing:
    """The listing with the group of each image: what the first bracket of `pattern` matched, or all of the match.

    An image whose name does not match is a group of its own; the warnings say how many there are. Raises ConfigError
    for a pattern that is no regular expression or matches nothing.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        what = f"group-by is '{pattern}', which is neither a column nor a regular expression"
        raise ConfigError(what, where=str(error), hint="e.g. patient or 'patient(\\d+)'") from error
    files = [replace(file, group=_group(file, expression)) for file in listing.files]
    missing = sum(not file.group for file in files)
    if files and missing == len(files):
        hint = f"give a regular expression that finds the group in names such as {files[0].id}"
        raise ConfigError(f"group-by '{pattern}' matches no image", where=listing.where, hint=hint)
    return replace(listing, files=files, warnings=[*listing.warnings, *_ungrouped(missing, pattern)])


def _group(file: LabelledFile, expression: re.Pattern[str]) -> str:
    match = expression.search(file.id)
    if match is None:
        return ""
    return (match[1] or "") if expression.groups else match[0]


def _ungrouped(missing: int, pattern: str) -> Sequence[str]:
    if not missing:
        return ()
    images = "1 image has no group, and is one" if missing == 1 else f"{missing:,} images have no group, each is one"
    return (f"{images} of its own: group-by '{pattern}' does not match",)
