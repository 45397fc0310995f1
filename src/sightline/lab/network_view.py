"""A network as the lab shows it: its layers, what each makes of a picture, and how one value came about.

Every number is `sightline.inspection`'s; here they are chosen for the page. A picture is one of the run's
test images, where there is a run, or one that was given and is kept in memory only.
"""

import itertools
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.classifier.classifier import Classifier
from sightline.data.class_turns import in_class_turns
from sightline.data.imageset import ImageSet
from sightline.data.load import load_recorded_test
from sightline.data.split import read_manifest
from sightline.errors import InputError, ModelError, RunError, SightlineError
from sightline.inspection.cam import grad_cam
from sightline.inspection.capture import undisturbed, watched
from sightline.inspection.embeddings import nearest
from sightline.inspection.filters import kernels
from sightline.inspection.layers import as_maps, role_of
from sightline.inspection.maps import activations, dead_channels
from sightline.inspection.one_value import arithmetic
from sightline.inspection.subject import Subject, shown
from sightline.lab.drawing import as_image
from sightline.lab.packing import Json, Pixels, packed, picture_uri, plain, scaled, short
from sightline.models.summary import summary
from sightline.pixels.decode import read_image
from sightline.runs.run import Run

TEST_PICTURES = 24  # offered at once
UPLOADS = 8  # pictures from outside that are remembered
STRIP, STRIP_SIDE = 6, 24  # channels of a layer in the overview, pixels of each
CHANNELS, SIDE = 64, 64  # of a layer's maps shown at first; places of a map each way, more are left out evenly
FILTERS, DEPTH = 64, 8  # kernels shown, and channels of each
TERMS = 8  # channels of one value's arithmetic in full
GUESSES = 10
HEAVY = 200_000_000  # multiply-adds, from which on fewer images are looked at for dead channels
WATCHED, WATCHED_HEAVY = 24, 6


@dataclass(frozen=True)
class LayerFacts:
    """A layer in the order they run. field: None for the whole image."""

    name: str
    kind: str
    role: str
    stage: str
    shape: tuple[int, ...]
    parameters: int
    field: int | None


class NetworkView:
    """One network. channels, side: how much of a layer is shown; a static copy shows less.

    run: that it was trained in; None for one that came ready-made.
    """

    def __init__(self, run: Run | None, classifier: Classifier, *, channels: int = CHANNELS, side: int = SIDE) -> None:
        self.run, self.classifier = run, classifier
        self.channels, self.side = channels, side
        self.uploads: OrderedDict[str, Pixels] = OrderedDict()
        self._numbers = itertools.count(1)
        self._dead: dict[str, NDArray[np.bool_]] = {}

    @cached_property
    def rows(self) -> tuple[LayerFacts, ...]:
        network = self.classifier.network
        rows: dict[str, LayerFacts] = {}
        self._work = 0
        for row in summary(network).rows:
            self._work += row.multiply_adds
            parts = row.name.split(".")
            stage = parts[1] if parts[0] == "stages" else parts[0]
            role = role_of(network.get_submodule(row.name))
            rows.setdefault(
                row.name,
                LayerFacts(row.name, row.kind, role, stage, row.output_shape, row.parameters, row.receptive_field),
            )
        return tuple(rows.values())

    @cached_property
    def test(self) -> ImageSet | None:
        """The run's test images. None when there are none, or they are gone: `missing` says which."""
        if self.run is None:
            self.missing = ""  # nobody expects any
            return None
        try:
            images = load_recorded_test(self.run.config["data"], read_manifest(self.run.split_path))
        except (SightlineError, KeyError) as error:
            self.missing = f"The run's test images are not at hand: {error}."
            return None
        self.missing = "" if images else "This run has no test images."
        return images

    def about(self) -> Json:
        """network.json: the network in short, and its layers."""
        rows = self.rows
        channels, height, width = self.classifier.network.input_shape
        return {
            "run": self.run.name if self.run else "",
            "network": self.classifier.architecture.name,
            "note": self.classifier.note,
            "classes": self.classifier.classes,
            "input": [channels, height, width],
            "parameters": sum(row.parameters for row in rows),
            "unknown": self.classifier.unknown is not None,
            "draws": channels == 1,
            "layers": [vars(row) for row in rows],
        }

    def pictures(self, page: int = 0, *, count: int = TEST_PICTURES) -> Json:
        """Some test images, of one class after the other; `missing` says why there are none."""
        test = self.test
        if test is None:
            return {"pictures": [], "pages": 0, "missing": self.missing}
        order = in_class_turns(test.labels)
        pages = -(-len(order) // count)
        shown_now = order[count * (page % pages) : count * (page % pages + 1)]
        pictures = []
        for index in shown_now.tolist():
            try:
                image = test.images.read(index)
            except SightlineError:
                continue
            pictures.append(
                {"id": f"test-{index}", "truth": test.classes[int(test.labels[index])], "uri": picture_uri(image)}
            )
        return {"pictures": pictures, "pages": pages, "missing": ""}

    def give(self, image: bytes) -> Json:
        """Remember an image file's picture. Raises ImageError when it cannot be decoded."""
        name = f"given-{next(self._numbers)}"
        self._remember(name, read_image(image))
        return {"id": name, "uri": picture_uri(self.uploads[name])}

    def draw(self, ink: bytes, width: int) -> Json:
        """Grey levels of a drawing, row by row: the answer, and what the network was shown. Raises InputError."""
        if not 1 <= width <= 1024 or not ink or len(ink) % width:
            raise InputError(f"{len(ink)} bytes are no drawing {width} wide", hint="send one byte a pixel")
        drawing = np.frombuffer(ink, np.uint8).reshape(-1, width)
        _, *size = self.classifier.network.input_shape
        image = as_image(drawing, self._data_name, (size[0], size[1]))
        self._remember("drawing", image)
        return {"id": "drawing", "uri": picture_uri(image), "prediction": self._prediction(image)}

    def overview(self, picture: str) -> Json:
        """What every layer makes of a picture, and the answer."""
        pixels, truth = self._picture(picture)
        subject = Subject.of(self.classifier)
        network = self.classifier.network
        x = subject.input(pixels)
        with undisturbed(network), watched(network, [row.name for row in self.rows]) as runs:
            subject.forward(x)
        strips = [_strip(network, row.name, runs[row.name].output, x) for row in self.rows]
        image = shown(self.classifier, pixels)
        return {
            "image": packed(image),
            "truth": truth,
            "prediction": self._prediction(pixels),
            "cam": self.cam(picture, None),
            "strips": strips,
        }

    def cam(self, picture: str, target: int | None) -> Json:
        """Grad-CAM of a class by number; None is the predicted one."""
        pixels, _ = self._picture(picture)
        if target is None:
            label = self.classifier.predict(pixels, top=1).label
            target = self.classifier.classes.index(label)
        try:
            heat = grad_cam(self.classifier, pixels, target)
        except ModelError as error:
            return {"class": self.classifier.classes[target], "map": None, "why": error.what}
        small = heat[:: -(-heat.shape[0] // 56), :: -(-heat.shape[1] // 56)]
        return {"class": self.classifier.classes[target], "map": packed(np.rint(255 * small).astype(np.uint8))}

    def layer(self, picture: str, number: int, *, every: bool = False) -> Json:
        """One layer's maps of a picture, the strongest channels first, its kernels, and what can be said of them."""
        row = self._row(number)
        pixels, _ = self._picture(picture)
        network = self.classifier.network
        answer: Json = {"layer": vars(row), "number": number, "maps": None, "kernels": None, "vector": None}
        if isinstance(network.get_submodule(row.name), nn.Conv2d):
            weights = kernels(self.classifier, row.name)[:FILTERS, :DEPTH]
            answer["kernels"] = {"values": np.round(weights.astype(float), 4).tolist(), "of": row.shape[0]}
        try:
            maps = activations(self.classifier, pixels, row.name)
        except ModelError:
            answer["vector"] = self._vector(pixels, row)
            return answer
        order = np.argsort(-np.abs(maps.values).mean(axis=(1, 2)), kind="stable")
        order = order if every else order[: self.channels]
        dead = self._dead_channels(row.name)
        height, width = maps.values.shape[1:]
        step = -(-max(height, width) // self.side)
        flat = maps.values.reshape(len(maps.values), -1)
        places = np.abs(flat).argmax(axis=1)
        answer["maps"] = {
            **scaled(maps.values[order][:, ::step, ::step]),
            "step": step,
            "channels": [
                {
                    "number": int(c),
                    "least": short(flat[c].min()),
                    "mean": short(flat[c].mean()),
                    "most": short(flat[c].max()),
                    "zero": round(float((flat[c] == 0).mean()), 3),
                    "dead": bool(dead[c]) if dead is not None else None,
                    "peak": [int(places[c]) // width, int(places[c]) % width],
                }
                for c in order.tolist()
            ],
            "of": len(maps.values),
            "dead": int(dead.sum()) if dead is not None else None,
            "watched": self._watched_count if dead is not None else 0,
        }
        return answer

    def value(self, picture: str, number: int, channel: int, row: int, column: int) -> Json:
        """How one value came about; of a layer that is no convolution or pooling, what it was before."""
        layer = self._row(number)
        pixels, _ = self._picture(picture)
        try:
            taken = arithmetic(self.classifier, pixels, layer.name, channel, row, column)
        except ModelError:
            return self._passed(pixels, layer, (channel, row, column))
        sums = np.where(np.isfinite(taken.products), taken.products, 0).sum(axis=(1, 2))
        order = np.argsort(-np.abs(sums), kind="stable")
        return {
            "kind": taken.kind,
            "value": float(taken.value),
            "output": float(taken.output),
            "bias": float(taken.bias),
            "rows": taken.rows.tolist(),
            "columns": taken.columns.tolist(),
            "channels": len(sums),
            "terms": [
                {
                    "channel": int(taken.channels[c]),
                    "patch": plain(taken.patch[c]),
                    "kernel": plain(taken.kernel[c]),
                    "products": plain(taken.products[c]),
                    "sum": float(sums[c]),
                }
                for c in order[:TERMS].tolist()
            ],
            "rest": float(sums[order[TERMS:]].sum()),
        }

    def neighbours(self, picture: str) -> Json:
        """The training images that look most alike to the network. Raises RunError when they are not at hand."""
        if self.run is None:
            raise RunError(
                f"the images that {self.classifier.architecture.name} was trained on are not here",
                hint="train it on images of your own, then `sightline lab RUN`",
            )
        pixels, _ = self._picture(picture)
        notes: list[str] = []
        neighbours = nearest(self.run, pixels, 8, device="cpu", say=notes.append)
        return {
            "neighbours": [
                {
                    "label": one.label,
                    "id": one.id,
                    "similarity": round(one.similarity, 4),
                    "uri": picture_uri(one.image),
                }
                for one in neighbours
            ],
            "note": " ".join(f"{one[:1].upper()}{one[1:]}." for one in notes),
        }

    @property
    def _data_name(self) -> str:
        return str(self.run.config.get("data")) if self.run else ""

    def _row(self, number: int) -> LayerFacts:
        if not 0 <= number < len(self.rows):
            raise InputError(f"there is no layer {number}", hint=f"there are {len(self.rows)}, counted from 0")
        return self.rows[number]

    def _picture(self, name: str) -> tuple[Pixels, str | None]:
        """Its pixels, uint8 (H, W, C), and its class where that is known. Names are looked up, never a path."""
        if name in self.uploads:
            self.uploads.move_to_end(name)
            return self.uploads[name], None
        kind, _, number = name.partition("-")
        test = self.test
        if kind == "test" and number.isdecimal() and test is not None and int(number) < len(test):
            return test.images.read(int(number)), test.classes[int(test.labels[int(number)])]
        raise InputError(f"the lab has no picture '{name}' any more", hint="choose or give it again")

    def _remember(self, name: str, pixels: Pixels) -> None:
        self.uploads[name] = pixels
        self.uploads.move_to_end(name)
        while len(self.uploads) > UPLOADS:
            self.uploads.popitem(last=False)

    def _prediction(self, pixels: Pixels) -> Json:
        answer = self.classifier.predict(pixels, top=min(GUESSES, len(self.classifier.classes)))
        return {"top": [[label, round(p, 5)] for label, p in answer.top], "unknown": answer.unknown}

    @property
    def _watched_count(self) -> int:
        count = WATCHED_HEAVY if self._work >= HEAVY else WATCHED
        return min(count, len(self.test)) if self.test is not None else 0

    def _dead_channels(self, name: str) -> NDArray[np.bool_] | None:
        """Over some test images; None where there are none."""
        if self.test is None or not self._watched_count:
            return None
        if name not in self._dead:
            order = in_class_turns(self.test.labels)[: self._watched_count]
            try:
                images = [self.test.images.read(index) for index in order.tolist()]
            except SightlineError:
                return None
            self._dead[name] = dead_channels(self.classifier, images, name)
        return self._dead[name]

    def _vector(self, pixels: Pixels, row: LayerFacts) -> Json | None:
        """A layer's output where it is no map: its numbers, the largest first."""
        subject, network = Subject.of(self.classifier), self.classifier.network
        with undisturbed(network), watched(network, [row.name]) as runs:
            subject.forward(subject.input(pixels))
        output = runs[row.name].output
        if not isinstance(output, Tensor):
            return None
        values = output[0].float().flatten()
        order = values.abs().argsort(descending=True, stable=True)[: self.channels]
        is_answer = row is self.rows[-1] and len(values) == len(self.classifier.classes)
        names = self.classifier.classes if is_answer else [str(i) for i in range(len(values))]
        return {"values": [[names[i], short(values[i])] for i in order.tolist()], "of": len(values)}

    def _passed(self, pixels: Pixels, row: LayerFacts, place: tuple[int, int, int]) -> Json:
        """What a layer that looks at single values made of the one at that place."""
        subject, network = Subject.of(self.classifier), self.classifier.network
        x = subject.input(pixels)
        with undisturbed(network), watched(network, [row.name]) as runs:
            subject.forward(x)
        run = runs[row.name]
        after = as_maps(network, row.name, run.output, x)[0]
        if any(not 0 <= at < count for at, count in zip(place, after.shape, strict=True)):
            raise InputError(f"{row.name} has no place {place}", hint=f"its maps are {tuple(after.shape)}")
        value = run.inputs[0] if run.inputs else None
        before = float(value[0][place]) if isinstance(value, Tensor) and value[0].shape == after.shape else None
        return {"kind": "passed", "layer": row.kind, "before": before, "output": float(after[place])}


def _strip(network: Any, name: str, output: Any, x: Tensor) -> Json | None:
    """The strongest channels of a layer, small; None where its output is no map."""
    try:
        maps = as_maps(network, name, output, x)[0].float()
    except ModelError:
        return None
    strongest = maps.abs().mean(dim=(1, 2)).argsort(descending=True, stable=True)[:STRIP]
    step = -(-max(maps.shape[1:]) // STRIP_SIDE)
    small = maps[strongest]
    if step > 1:
        small = torch.nn.functional.avg_pool2d(small[None], step, ceil_mode=True)[0]
    return {**scaled(small.numpy()), "channels": strongest.tolist()}
