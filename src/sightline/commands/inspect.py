"""`sightline inspect`: into one network, with one image. PNG files, and a page that shows them all."""

import os
import re
import shlex
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sightline.classifier.classifier import Classifier
from sightline.commands.predict import open_classifier
from sightline.errors import InputError, ModelError
from sightline.inspection.cam import grad_cam
from sightline.inspection.draw import overlay
from sightline.inspection.embeddings import Neighbour, nearest
from sightline.inspection.fields import receptive_field
from sightline.inspection.filters import kernels
from sightline.inspection.layers import Layer, find_layer, list_layers
from sightline.inspection.maps import Activations, activations
from sightline.inspection.subject import shown
from sightline.machine import files
from sightline.pixels.decode import read_image
from sightline.reporting.image_data import format_probability
from sightline.reporting.inspection_page import (
    FIELD_WIDTH,
    Grid,
    Inspection,
    View,
    cam_sentence,
    fields_sentence,
    kernel_grid,
    large_view,
    map_grid,
    neighbour_tiles,
    neighbours_sentence,
    render_inspection,
)
from sightline.reporting.map_images import enlarged, framed, kernel_rgba, map_rgb, sheet, times_to
from sightline.runs.run import Run

NEIGHBOURS, GUESSES = 8, 5
FIELDS, SAMPLES = 3, 4  # layers whose receptive field is drawn; passes that measure each
LEAST_SIDE = 256  # pixels of a PNG, where the image itself has fewer
PAGE = "index.html"


def look_inside(
    run: str | os.PathLike[str],
    image: str | os.PathLike[str],
    *,
    layer: str | None = None,
    out: str | os.PathLike[str] | None = None,
    device: str = "auto",
) -> list[Path]:
    """Draw what the network of a run or model folder makes of an image file; the files written, the page last.

    layer: whose feature maps are drawn: a name, or a stage's number; by default those of every stage.
    out: the folder for the files, by default inspect/<folder>-<image> in the run folder. What is there of the same name
        is replaced.

    Raises RunError for a run folder that is gone or half-deleted, ModelError for a layer that does not exist or gives
    no feature maps, ImageError, ConfigError, StorageError. That training images are gone is no error: the page says so.
    """
    classifier = open_classifier(run, device=device)
    pixels = read_image(image)
    chosen = _chosen(classifier, layer)
    drawn = {maps.layer: maps for maps in (activations(classifier, pixels, one.name) for one in chosen)}
    image_path = Path(image).resolve()
    folder = Path(out) if out else Path(run, "inspect") / f"{image_path.parent.name}-{image_path.stem}"
    files.make_folder(folder)
    look = _Look(classifier, pixels, folder)
    view = large_view(
        look.image, f"as the network sees it, {look.image.shape[1]} x {look.image.shape[0]} pixels", "The image"
    )
    look.write("image.png", enlarged(look.image, LEAST_SIDE))
    prediction = classifier.predict(pixels, top=GUESSES)
    cams, cam_sentence = look.cams(prediction.top[:2])
    fields, seeing = look.fields(list(drawn.values()))
    neighbours, alike = _neighbours(run, pixels, prediction.label, device)
    tiles, width, crisp = neighbour_tiles(neighbours)
    page = Inspection(
        run=str(run),
        model=classifier.architecture.name,
        image=Path(image).name,
        view=view,
        prediction=prediction,
        cams=cams,
        cam_sentence=cam_sentence,
        fields=fields,
        fields_sentence=seeing,
        kernels=look.kernels(),
        stages=[look.maps(drawn[one.name], one) for one in chosen],
        neighbours=tiles,
        neighbours_width=width,
        neighbours_crisp=crisp,
        neighbours_sentence=alike,
        command=_command(run, image, layer, out),
        files=[path.name for path in look.written],
    )
    files.write_text(folder / PAGE, render_inspection(page))
    return [*look.written, folder / PAGE]


class _Look:
    """One image seen through one classifier; what is drawn goes to `folder`. image: uint8 (H, W, C), as it sees it."""

    def __init__(self, classifier: Classifier, pixels: NDArray[np.uint8], folder: Path) -> None:
        self.classifier = classifier
        self.pixels = pixels
        self.image = shown(classifier, pixels)
        self.folder = folder
        self.written: list[Path] = []
        self.peak = (0.5, 0.5)  # where the map of the likeliest class is strongest, as shares of height and width

    def write(self, name: str, pixels: NDArray[np.uint8]) -> None:
        file = BytesIO()
        Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(file, "png", optimize=True)
        path = self.folder / name
        files.write_bytes(path, file.getvalue())
        self.written.append(path)

    def cams(self, guesses: tuple[tuple[str, float], ...]) -> tuple[list[View], str]:
        """Grad-CAM of the likeliest classes, and what the first says; or none, and why."""
        views: list[View] = []
        sentence = ""
        for number, (label, probability) in enumerate(guesses, start=1):
            try:
                cam = grad_cam(self.classifier, self.pixels, self.classifier.classes.index(label))
            except ModelError as error:
                return [], f"There is no Grad-CAM: {error.what}."
            if not views:
                sentence = cam_sentence(label, cam)
                row, column = (
                    np.unravel_index(int(cam.argmax()), cam.shape) if cam.any() else (s // 2 for s in cam.shape)
                )
                self.peak = (float(row) / cam.shape[0], float(column) / cam.shape[1])
            picture = overlay(self.image, cam)
            self.write(f"grad_cam_{number}.png", enlarged(picture, LEAST_SIDE))
            words = f"{label}, {format_probability(probability)}"
            none = "" if cam.any() else ": nothing speaks for it"
            views.append(large_view(picture, words + none, f"Where the network looks for {label}"))
        return views, sentence

    def fields(self, layers: list[Activations]) -> tuple[list[View], str]:
        """What one value of some of the layers sees, the deepest last, and what that says."""
        spread = sorted({round(i * (len(layers) - 1) / (FIELDS - 1)) for i in range(FIELDS)}) if layers else []
        views, fields = [], []
        for number, maps in enumerate((layers[i] for i in spread), start=1):
            height, width = maps.values.shape[1:]
            unit = (int(self.peak[0] * height), int(self.peak[1] * width))
            field = receptive_field(self.classifier, maps.layer, unit, image=self.pixels, samples=SAMPLES)
            fields.append(field)
            drawn = overlay(self.image, np.sqrt(field.effective))
            self.write(f"receptive_field_{number}.png", framed(drawn, field.clipped, times_to(drawn, LEAST_SIDE)))
            words = (
                "the whole image"
                if field.whole
                else f"{field.size[0]}\N{NO-BREAK SPACE}x\N{NO-BREAK SPACE}{field.size[1]} pixels"
            )
            caption = f"{field.layer}, row {unit[0]}, column {unit[1]}: {words}"
            alt = f"What one value of {field.layer} sees"
            views.append(large_view(drawn, caption, alt, width=FIELD_WIDTH, box=field.clipped))
        return views, fields_sentence(fields) if fields else ""

    def kernels(self) -> Grid | None:
        """The filters of the first convolution that runs; None when there is none."""
        first = next((one.name for one in list_layers(self.classifier) if one.role == "convolution"), None)
        if first is None:
            return None
        weights = kernels(self.classifier, first)
        reach = float(np.abs(weights).max())
        tiles = [kernel_rgba(kernel[:3], reach) for kernel in weights]
        self.write("kernels.png", sheet(tiles))
        return kernel_grid(first, weights, "kernels.png")

    def maps(self, maps: Activations, layer: Layer) -> Grid:
        low, high = float(maps.values.min()), float(maps.values.max())
        name = f"maps_{re.sub(r'[^A-Za-z0-9.]+', '_', maps.layer)}.png"
        self.write(name, sheet([map_rgb(channel, low, high) for channel in maps.values]))
        return map_grid(maps, layer.kind, name)


def _chosen(classifier: Classifier, layer: str | None) -> list[Layer]:
    """The layers to draw: the one asked for, or every stage that gives feature maps."""
    layers = {one.name: one for one in list_layers(classifier)}
    if layer is not None:
        name = find_layer(classifier.network, layer)
        return [layers.get(name) or Layer(name=name, kind="layer", role="other", stage=None, maps=None)]
    stages = [f"stages.{name}" for name, _ in classifier.network.stages.named_children()]
    return [layers[name] for name in stages if name in layers and layers[name].maps]


def _neighbours(
    run: str | os.PathLike[str], pixels: NDArray[np.uint8], label: str, device: str
) -> tuple[tuple[Neighbour, ...], str]:
    """The nearest training images, and what is to be said of them, or why there are none."""
    notes: list[str] = []
    try:
        neighbours = nearest(Run(run), pixels, NEIGHBOURS, device=device, say=notes.append)
    except InputError as error:
        return (), f"{error.what[:1].upper()}{error.what[1:]}."
    return neighbours, " ".join([neighbours_sentence(label, neighbours), *(f"{note.capitalize()}." for note in notes)])


def _command(
    run: str | os.PathLike[str], image: str | os.PathLike[str], layer: str | None, out: str | os.PathLike[str] | None
) -> str:
    words = ["sightline", "inspect", str(run), str(image)]
    words += ["--layer", layer] if layer is not None else []
    words += ["--out", str(out)] if out is not None else []
    return shlex.join(words)
