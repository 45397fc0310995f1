"""`load_data`: from what a person calls the data to training, validation and test images."""

import os

from sightline.data.builtin import NAMED_SETS, NAMES, load_digits, load_named
from sightline.data.imageset import Splits
from sightline.data.split import DEFAULT_TEST, hold_out, parse_share
from sightline.errors import DataError, near


def load_data(data: str | os.PathLike[str], *, val: str | float | None = None, seed: int = 0) -> Splits:
    """Training, validation and test images of a named set."""
    share = parse_share(val)
    name = str(data)
    if name == "digits":
        train, test = hold_out(load_digits(), DEFAULT_TEST, seed=seed, purpose="test")
        note = ""
    elif name in NAMED_SETS:
        train, test, note = load_named(name)
    else:
        raise DataError(f"there is no data set named '{name}'", hint=near(name, NAMES))
    held = None
    if share:
        train, held = hold_out(train, share, seed=seed, purpose="validation")
    return Splits(name, train, held, test, note=note)
