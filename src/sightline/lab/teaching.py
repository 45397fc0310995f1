"""Teaching a network in the lab: pictures gathered into classes, a training on them, a look at others.

Everything lies in one folder where the lab was started, taught-1/ or the next free number: pictures/ has a folder a
class, as `sightline train` takes it, and run-1/, run-2/, ... are ordinary runs.
"""

import atexit
import contextlib
import itertools
import threading
from pathlib import Path

import numpy as np
from PIL import Image

from sightline.errors import InputError, RunError, SightlineError
from sightline.lab.background_training import BackgroundTraining
from sightline.lab.packing import Json, Pixels
from sightline.lab.workspace import Workspace
from sightline.machine import files
from sightline.pixels.decode import read_image
from sightline.reporting.image_data import jpeg_uri
from sightline.runs.run import Run

LARGEST_SIDE = 512  # pixels; a larger picture is made smaller before it is kept
LEAST_PICTURES = 5  # of each class
MOST_PICTURES, MOST_CLASSES = 2_000, 50
LONGEST_NAME = 60
RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))}


class Teaching:
    """What is gathered and trained in one lab. home: where taught-N/ is made, at the first picture."""

    def __init__(self, workspace: Workspace, home: Path | None = None) -> None:
        self.workspace = workspace
        self.home = home or Path.cwd()
        self.folder: Path | None = None
        self.pictures: dict[str, dict[str, str]] = {}  # class -> file name -> small picture as a data URI
        self.run: Run | None = None  # the latest that was trained to its end
        self._lock = threading.RLock()
        self._training: BackgroundTraining | None = None  # the latest
        self._numbers = itertools.count(1)
        atexit.register(self.stop)

    def state(self) -> Json:
        """teach.json: the classes with their pictures, what is missing, and how the training goes."""
        with self._lock:
            splits = self._training.splits() if self._training else {}
            classes = [
                {
                    "name": name,
                    "pictures": [
                        {"id": file, "uri": uri, "split": splits.get(f"{name}/{file}", "")} for file, uri in own.items()
                    ],
                }
                for name, own in self.pictures.items()
            ]
            return {
                "folder": str(self.folder) if self.folder else "",
                "classes": classes,
                "missing": self.missing(),
                "hint": self.hint(),
                "training": self.training(),
            }

    def missing(self) -> str:
        """What has to be done before a training; empty when nothing has."""
        if len(self.pictures) < 2:
            return "Make two classes or more."
        few = [name for name, own in self.pictures.items() if len(own) < LEAST_PICTURES]
        return f"Gather {LEAST_PICTURES} pictures or more of {' and '.join(few)}." if few else ""

    def hint(self) -> str:
        """What would make the result better."""
        counts = {name: len(own) for name, own in self.pictures.items()}
        if len(counts) < 2 or self.missing():
            return ""
        most, least = max(counts, key=lambda n: counts[n]), min(counts, key=lambda n: counts[n])
        if counts[most] > 3 * counts[least]:
            return (
                f"There are {counts[most]} pictures of {most} and {counts[least]} of {least}: take more of the latter."
            )
        uris = [uri for own in self.pictures.values() for uri in own.values()]
        if repeated := len(uris) - len(set(uris)):
            amount = "1 picture is there" if repeated == 1 else f"{repeated} pictures are there"
            return f"{amount} more than once: other ones would teach it more."
        if min(counts.values()) < 20:
            return "Twenty of each, from several sides and in different light, make it surer."
        return ""

    def add_class(self, name: str) -> Json:
        """Raises InputError for a name that cannot be a folder everywhere, or that is there already."""
        with self._lock:
            self._check_new(name)
            if len(self.pictures) >= MOST_CLASSES:
                raise InputError(f"there are {MOST_CLASSES} classes", hint="use `sightline train FOLDER` for more")
            self.pictures[name] = {}
            return self.state()

    def rename_class(self, name: str, to: str) -> Json:
        with self._lock:
            own = self._class(name)
            self._require_rest()
            self._check_new(to)
            if self.folder and (self.folder / "pictures" / name).exists():
                with files.storage_errors(self.folder):
                    (self.folder / "pictures" / name).rename(self.folder / "pictures" / to)
            self.pictures = {to if old == name else old: pictures for old, pictures in self.pictures.items()}
            assert self.pictures[to] is own
            return self.state()

    def remove_class(self, name: str) -> Json:
        with self._lock:
            self._require_rest()
            for file in list(self._class(name)):
                self.remove_picture(name, file)
            if self.folder and (self.folder / "pictures" / name).exists():
                (self.folder / "pictures" / name).rmdir()
            del self.pictures[name]
            return self.state()

    def add_picture(self, name: str, image: bytes) -> Json:
        """Decode an image and keep it. Raises ImageError when it cannot be decoded, StorageError."""
        pixels = read_image(image)
        picture = Image.fromarray(pixels)
        picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE))
        with self._lock:
            own = self._class(name)
            if sum(map(len, self.pictures.values())) >= MOST_PICTURES:
                raise InputError(f"there are {MOST_PICTURES} pictures", hint="use `sightline train FOLDER` for more")
            file = f"{next(self._numbers):04}.png"
            folder = self._home() / "pictures" / name
            files.make_folder(folder)
            with files.storage_errors(folder / file):
                picture.save(folder / file)
            own[file] = jpeg_uri(_small(picture))
            return {"id": file, "uri": own[file]}

    def remove_picture(self, name: str, file: str) -> Json:
        with self._lock:
            own = self._class(name)
            self._require_rest()
            if file not in own:
                raise InputError(f"{name} has no picture '{file}'", hint="it may have been removed already")
            (self._home() / "pictures" / name / file).unlink(missing_ok=True)
            del own[file]
            return self.state()

    def train(self) -> Json:
        """Begin a training. Raises InputError when something is missing, or one is running."""
        with self._lock:
            if self.missing():
                raise InputError("this cannot be trained yet", hint=self.missing()[0].lower() + self.missing()[1:-1])
            if self.is_training:
                raise InputError("a training is running", hint="wait for its end, or stop it")
            home = self._home()
            number = next(n for n in itertools.count(1) if not (home / f"run-{n}").exists())
            out = home / f"run-{number}"
            self._training = BackgroundTraining(
                home / "pictures", out, on_line=lambda: self._show(out), on_done=self._finish
            )
            return self.state()

    def stop(self) -> Json:
        """End the training that runs, if any; what it has learnt so far is dropped."""
        if self._training:
            self._training.stop()
        return self.training() or {}

    @property
    def is_training(self) -> bool:
        return self._training is not None and self._training.is_running

    def training(self) -> Json | None:
        """How the latest training goes; None before the first."""
        return self._training.progress() if self._training else None

    def look(self, image: bytes) -> Json:
        """What the latest network says of an image. Raises RunError before there is one, ImageError."""
        pixels = read_image(image)
        with self.workspace.lock:
            if self.run is None:
                raise RunError("there is no network yet", hint="gather pictures and train one")
            classifier = self.run.classifier
            answer = classifier.predict(pixels, top=len(classifier.classes))
        return {"top": [[label, round(p, 4)] for label, p in answer.top], "unknown": answer.unknown}

    def _finish(self, run: Run) -> None:
        """Show the run of a training that has come to its end, and let its network answer."""
        self.workspace.open(run.path)
        self.run = run

    def _show(self, out: Path) -> None:
        """Open the run in the lab as soon as it is one, so that the time machine can follow it.

        A run that the lab was opened with gives way only to a training that has come to its end.
        """
        open_run = self.workspace.run.path if self.workspace.has_run else None
        is_ours = open_run is None or (self.folder is not None and open_run.parent == self.folder)
        if open_run != out and is_ours and (out / "config.json").exists():
            with contextlib.suppress(SightlineError):
                self.workspace.open(out)

    def _class(self, name: str) -> dict[str, str]:
        """Looked up, so that no name from the network is ever joined to a path before it was checked."""
        if name not in self.pictures:
            raise InputError(f"there is no class '{name[:LONGEST_NAME]}'", hint="add it first")
        return self.pictures[name]

    def _check_new(self, name: str) -> None:
        excerpt = name[:LONGEST_NAME]
        if not name.strip() or name != name.strip():
            raise InputError(
                "the class has no name" if not name.strip() else f"'{excerpt}' begins or ends with a space"
            )
        if len(name) > LONGEST_NAME:
            raise InputError(f"'{excerpt}...' is too long", hint=f"use {LONGEST_NAME} letters or fewer")
        if not all(letter.isalnum() or letter in " -_" for letter in name) or name.lower() in RESERVED:
            raise InputError(f"'{excerpt}' cannot be the name of a folder", hint="use letters, digits, spaces, - and _")
        if name.casefold() in {other.casefold() for other in self.pictures}:
            raise InputError(f"there is a class '{excerpt}' already", hint="use another name")

    def _require_rest(self) -> None:
        """Files that a training reads stay as they are until it ends."""
        if self.is_training:
            raise InputError("a training is reading these pictures", hint="wait for its end, or stop it")

    def _home(self) -> Path:
        if self.folder is None:
            self.folder = next(place for n in itertools.count(1) if not (place := self.home / f"taught-{n}").exists())
            files.make_folder(self.folder)
        return self.folder


def _small(picture: Image.Image) -> Pixels:
    small = picture.copy()
    small.thumbnail((96, 96))
    return np.asarray(small)
