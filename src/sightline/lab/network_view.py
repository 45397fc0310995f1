"""A network as the lab shows it: its layers, what each makes of a picture, and how one value came about.

Every number is `sightline.inspection`'s; here they are chosen for the page.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sightline.classifier.classifier import Classifier
from sightline.data.class_turns import in_class_turns
from sightline.errors import InputError, ModelError, RunError, SightlineError
from sightline.inspection.cam import grad_cam
from sightline.inspection.capture import undisturbed, watched
from sightline.inspection.embeddings import nearest
from sightline.inspection.filters import kernels
from sightline.inspection.layers import as_maps, role_of
from sightline.inspection.maps import activations, dead_channels
from sightline.inspection.one_value import arithmetic
from sightline.inspection.subject import Subject, shown
from sightline.lab.packing import Json, Pixels, packed, picture_uri, plain, scaled, short
from sightline.lab.pictures import Pictures
from sightline.models.summary import summary
from sightline.runs.run import Run

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
        self.pictures = Pictures(run)
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

    def draw(self, ink: bytes, width: int) -> Json:
        """Grey levels of a drawing, row by row: the answer, and what the network was shown. Raises InputError."""
        _, height, columns = self.classifier.network.input_shape
        pixels = self.pictures.draw(ink, width, (height, columns))
        return {"id": "drawing", "uri": picture_uri(pixels), "prediction": self._prediction(pixels)}

    def overview(self, picture: str) -> Json:
        """What every layer makes of a picture, and the answer."""
        pixels, truth = self.pictures.read(picture)
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
        pixels, _ = self.pictures.read(picture)
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
        pixels, _ = self.pictures.read(picture)
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
        pixels, _ = self.pictures.read(picture)
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
        pixels, _ = self.pictures.read(picture)
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

    def _row(self, number: int) -> LayerFacts:
        if not 0 <= number < len(self.rows):
            raise InputError(f"there is no layer {number}", hint=f"there are {len(self.rows)}, counted from 0")
        return self.rows[number]

    def _prediction(self, pixels: Pixels) -> Json:
        answer = self.classifier.predict(pixels, top=min(GUESSES, len(self.classifier.classes)))
        return {"top": [[label, round(p, 5)] for label, p in answer.top], "unknown": answer.unknown}

    @property
    def _watched_count(self) -> int:
        count = WATCHED_HEAVY if self._work >= HEAVY else WATCHED
        return min(count, len(self.pictures.test)) if self.pictures.test is not None else 0

    def _dead_channels(self, name: str) -> NDArray[np.bool_] | None:
        """Over some test images; None where there are none."""
        if self.pictures.test is None or not self._watched_count:
            return None
        if name not in self._dead:
            order = in_class_turns(self.pictures.test.labels)[: self._watched_count]
            try:
                images = [self.pictures.test.images.read(index) for index in order.tolist()]
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
