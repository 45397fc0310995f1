"""Checkpoints: everything a training needs to go on exactly where it was.

One file, written atomically (see `machine.files`), read back with torch's `weights_only`: no pickled code runs.
Random numbers need no saving: every draw follows from the seed and the step.
"""

import os
import time
import warnings
from pathlib import Path
from typing import Any

import torch

from sightline.errors import RunError
from sightline.machine import files

FORMAT = 1
FILE_NAME = "state.pt"


class Checkpoints:
    """The checkpoint in `folder`; how often it is rewritten is `TrainConfig.checkpoint_seconds`."""

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.path = Path(folder) / FILE_NAME
        self.saved_at = time.monotonic()

    @property
    def age(self) -> float:
        """Seconds since the last save, or since the training began."""
        return time.monotonic() - self.saved_at

    def save(self, state: dict[str, Any]) -> None:
        """Replace the checkpoint. state: tensors, numbers, strings, lists and dicts. Raises StorageError."""
        files.make_folder(self.path.parent)
        with files.replacing(self.path) as file:
            torch.save({"format": FORMAT} | state, file)
        self.saved_at = time.monotonic()

    def load(self) -> dict[str, Any] | None:
        """The saved state, its tensors on the CPU; None when nothing was saved. Raises RunError for a damaged file."""
        # A kill in the midst of saving leaves such files behind; nobody else writes here.
        for unfinished in self.path.parent.glob(f".{FILE_NAME}.*.part"):
            unfinished.unlink(missing_ok=True)
        if not self.path.exists():
            return None
        try:
            with warnings.catch_warnings(action="ignore"):  # torch wonders aloud about damaged bytes
                state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
            version = state.get("format")
        except (OSError, MemoryError):  # says nothing about the bytes
            raise
        except Exception as error:  # torch's reader raises about eight unrelated types for damaged bytes
            raise RunError(
                "the checkpoint is damaged", where=str(self.path), hint="delete it to train again from the start"
            ) from error
        if version != FORMAT:
            raise RunError(
                f"the checkpoint has format {version}, this version reads {FORMAT}",
                where=str(self.path),
                hint="go on with the version of Sightline that wrote it, or train again",
            )
        return state
