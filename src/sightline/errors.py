"""One family of errors: what went wrong, where, and how to fix it.

The command line prints `str(error)` and exits with `error.exit_code`; a server would answer with the same sentence.
`assert` is for our own mistakes only.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SightlineError(Exception):
    """Base of every error a user can meet.

    what: the problem with its value, e.g. "warmup_fraction is 1.5".
    where: the file, key, layer or step; may be empty.
    hint: what to do about it, as a command or an instruction; may be empty.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.what = what
        self.where = where
        self.hint = hint
        super().__init__(what)

    def __str__(self) -> str:
        sentence = f"{self.what} ({self.where})" if self.where else self.what
        return f"{sentence}: {self.hint}" if self.hint else sentence


class InputError(SightlineError):
    """Something the user gave cannot be used; exit code 2."""

    exit_code = 2


class ConfigError(InputError):
    """A setting that is unknown or impossible."""


class DataError(InputError):
    """A data set that cannot be found, read or trained on."""


class ImageError(DataError):
    """One image that cannot be decoded.

    reason: why, without the name of its file, for places where that stands beside it; by default all of `what`.
    """

    def __init__(self, what: str, *, reason: str = "", where: str = "", hint: str = "") -> None:
        super().__init__(what, where=where, hint=hint)
        self.reason = reason or what


class DownloadError(DataError):
    """A data set that could not be fetched, or whose checksum is wrong."""


class ModelError(InputError):
    """An unknown architecture, or weights that do not fit it."""


class RunError(InputError):
    """A run folder that is missing, damaged, or written by a newer version."""


class StorageError(InputError):
    """A disk that is full or read-only."""


class TrainingError(SightlineError):
    """Training cannot go on, e.g. the loss is not finite; exit code 1."""


def near(name: str, options: Iterable[str]) -> str:
    """A hint for a name that does not exist: the nearest names, or else the first ten of what there is."""
    names = sorted(set(options))
    close = get_close_matches(name.lower(), names, n=3, cutoff=0.5)
    if close:
        return f"did you mean {' or '.join(close)}?"
    listed = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    return f"choose from {listed}"


class Interrupted(SightlineError):  # noqa: N818 - what happened is no error
    """Someone asked a training to stop (Ctrl-C or SIGTERM); what was learnt is saved. Exit code 130."""

    exit_code = 130
