"""Teaching a network in the lab: pictures gathered into classes, a training in a process of its own, a look at others.

Everything lies in one folder where the lab was started, taught-1/ or the next free number: pictures/ has a folder a
class, as `sightline train` takes it, and run-1/, run-2/, ... are ordinary runs.
"""

import atexit
import contextlib
import itertools
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
from PIL import Image

from sightline.data.split import read_manifest
from sightline.errors import InputError, Interrupted, RunError, SightlineError
from sightline.evaluation.intervals import format_percent
from sightline.lab.packing import Json, Pixels
from sightline.lab.workspace import Workspace
from sightline.machine import files
from sightline.pixels.decode import read_image
from sightline.reporting.image_data import jpeg_uri
from sightline.reporting.scale import format_seconds
from sightline.runs.run import Run

LARGEST_SIDE = 512  # pixels; a larger picture is made smaller before it is kept
LEAST_PICTURES = 5  # of each class
MOST_PICTURES, MOST_CLASSES = 2_000, 50
LONGEST_NAME = 60
LINES = 30  # at the end of what the training says: the page shows them
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
        self._process: subprocess.Popen[str] | None = None
        self._out: Path | None = None
        self._lines: list[str] = []
        self._outcome = ""
        self._result = ""
        self._stopped = False
        self._numbers = itertools.count(1)
        atexit.register(self.stop)

    def state(self) -> Json:
        """teach.json: the classes with their pictures, what is missing, and how the training goes."""
        with self._lock:
            splits = self._splits()
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
            self._out = home / f"run-{number}"
            self._lines, self._outcome, self._stopped = [], "", False
            command = [sys.executable, "-m", "sightline", "train", str(home / "pictures"), "--out", str(self._out)]
            self._process = subprocess.Popen(
                [*command, "--report", "quick"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                env={**os.environ, "COLUMNS": "120", "PYTHONUNBUFFERED": "1"},
            )
            threading.Thread(target=self._follow, args=(self._process, self._out), daemon=True).start()
            return self.state()

    def stop(self) -> Json:
        """End the training that runs, if any; what it has learnt so far is dropped."""
        process = self._process
        if process is not None and process.poll() is None:
            self._stopped = True
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
        return self.training() or {}

    @property
    def is_training(self) -> bool:
        return self._process is not None and not self._outcome

    def training(self) -> Json | None:
        """How the latest training goes; None before the first."""
        if self._out is None:
            return None
        progress: Json = {"running": self.is_training, "lines": self._lines[-LINES:], "outcome": self._outcome}
        progress |= {"run": "", "epochs": [], "counts": {}}
        try:
            run = Run(self._out)
            progress["epochs"] = [[record["epoch"], record.get("val_accuracy")] for record in run.history]
            progress["counts"] = _counts(run)
        except (SightlineError, OSError):
            pass  # it has not come that far
        if self.run is not None and self._outcome == "done":
            progress["run"] = str(self.run.path)
            progress["result"] = self._result
        return progress

    def look(self, image: bytes) -> Json:
        """What the latest network says of an image. Raises RunError before there is one, ImageError."""
        pixels = read_image(image)
        with self.workspace.lock:
            if self.run is None:
                raise RunError("there is no network yet", hint="gather pictures and train one")
            classifier = self.run.classifier
            answer = classifier.predict(pixels, top=len(classifier.classes))
        return {"top": [[label, round(p, 4)] for label, p in answer.top], "unknown": answer.unknown}

    def _follow(self, process: "subprocess.Popen[str]", out: Path) -> None:
        """Keep what the training says, to be shown, until it ends; what it has come to is read from its run folder."""
        began = time.monotonic()
        with process:  # closes its output
            assert process.stdout is not None
            for line in process.stdout:
                self._lines.append(line.rstrip())
                self._show(out)
        code = process.returncode
        if code == 0:
            try:
                run = Run(out)
                run.classifier  # noqa: B018 - read now, so that the first look does not wait
                self._result = _result(run, time.monotonic() - began)
                self.workspace.open(out)
                self.run = run
                self._outcome = "done"
            except SightlineError as error:
                self._outcome = f"{error}"
        elif self._stopped or code == Interrupted.exit_code:  # by Ctrl-C, which reaches it too
            self._outcome = "It was stopped."
        elif code < 0:
            self._outcome = f"The system ended the training (signal {-code}): is there too little memory?"
        else:
            lines = [line for line in self._lines if line.strip()]
            self._outcome = lines[-1] if lines else f"The training ended with exit code {code}."

    def _show(self, out: Path) -> None:
        """Open the run in the lab as soon as it is one, so that the time machine can follow it.

        A run that the lab was opened with gives way only to a training that has come to its end.
        """
        open_run = self.workspace.run.path if self.workspace.has_run else None
        is_ours = open_run is None or (self.folder is not None and open_run.parent == self.folder)
        if open_run != out and is_ours and (out / "config.json").exists():
            with contextlib.suppress(SightlineError):
                self.workspace.open(out)

    def _splits(self) -> dict[str, str]:
        """The split of each picture in the latest training, by class/file."""
        if self._out is None:
            return {}
        try:
            return {row.id: row.split for row in read_manifest(Run(self._out).split_path)}
        except (SightlineError, OSError):
            return {}

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


def _counts(run: Run) -> dict[str, int]:
    counts: dict[str, int] = {}
    for row in read_manifest(run.split_path):
        counts[row.split] = counts.get(row.split, 0) + 1
    return counts


def _result(run: Run, seconds: float) -> str:
    """How many of the test pictures are recognised and how long that took; empty without any. Raises RunError."""
    test = run.metrics.get("test")
    if test is None:
        return ""
    share = format_percent(test["correct"], test["total"])
    return f"test accuracy {share} on {test['total']:,} images, {format_seconds(seconds)}"


def _small(picture: Image.Image) -> Pixels:
    small = picture.copy()
    small.thumbnail((96, 96))
    return np.asarray(small)
