"""`sightline inspect`: the files it writes, what the page says, and the sentences for what cannot be looked at."""

import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sightline.commands.inspect import look_inside
from sightline.errors import ImageError, ModelError, RunError, SightlineError, StorageError
from sightline.reporting.image_data import format_probability
from sightline.runs.run import Run


@pytest.fixture
def digit(tmp_path: Path) -> Path:
    """An image file of a ring, somewhat like a 0."""
    rows, columns = np.mgrid[:16, :16] - 7.5
    ring = np.abs(np.hypot(rows, columns) - 5) < 1.8
    path = tmp_path / "a ring.png"
    Image.fromarray((255 * ring).astype(np.uint8)).save(path)
    return path


class Page(HTMLParser):
    """Its tags, its images, and its text without styles."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.alts: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.ids: list[str] = []
        self.named: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.words).split()).replace("\N{NO-BREAK SPACE}", " ")

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.links += [values[name] or "" for name in ("src", "href") if name in values]
        self.ids += [values["id"] or ""] if "id" in values else []
        self.named += [values["aria-labelledby"] or ""] if "aria-labelledby" in values else []
        if tag == "img":
            assert values.get("alt")
            self.alts.append(values["alt"] or "")
        if tag == "style":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag == "style":
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if not self.open:
            self.words.append(data)


@pytest.mark.usefixtures("cache")
def test_what_is_written(digits_run: Run, digit: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    written = look_inside(digits_run.path, digit, out=out, device="cpu")
    assert written[-1] == out / "index.html"
    assert sorted(path.name for path in written) == sorted(path.name for path in out.iterdir())
    stages = [name for name, _ in digits_run.classifier.network.stages.named_children()]
    names = {path.name for path in written}
    assert {"image.png", "grad_cam_1.png", "grad_cam_2.png", "kernels.png", "receptive_field_1.png"} <= names
    assert {f"maps_stages.{stage}.png" for stage in stages} <= names
    for path in written[:-1]:
        with Image.open(path) as image:
            image.load()
            assert max(image.size) >= 200, path.name

    page = Page(written[-1])
    assert all(link.startswith("data:image/") for link in page.links)
    assert page.named
    assert set(page.named) <= set(page.ids)
    prediction = digits_run.classifier.predict(digit, top=5)
    assert f"{prediction.label} {format_probability(prediction.probability)}" in page.text
    assert re.search(rf"Half of what speaks for {prediction.label} lies within \d+ % of the image", page.text)
    assert re.search(r"Of the 8 training images most alike to the network (\d|all|none) (is|are) ", page.text)
    assert "6 filters of 5 x 5 weights" in page.text
    assert "can depend on a square of" in page.text
    for stage in stages:
        assert f"stages.{stage}" in page.text


@pytest.mark.usefixtures("cache")
def test_by_default_it_goes_into_the_run_folder(digits_run: Run, digit: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(digits_run.path, run)
    assert look_inside(run, digit, device="cpu")[-1] == run / "inspect" / f"{digit.parent.name}-a ring" / "index.html"
    assert look_inside(run, digit, device="cpu")[-1].exists()  # once more, over the old files


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(("layer", "name"), [("stages.c3", "c3"), ("0", "c1"), ("stages.0", "c1"), ("-1", "s4")])
def test_one_layer(digits_run: Run, digit: Path, tmp_path: Path, layer: str, name: str) -> None:
    written = look_inside(digits_run.path, digit, layer=layer, out=tmp_path / "out", device="cpu")
    maps = [path.name for path in written if path.name.startswith("maps_")]
    assert maps == [f"maps_stages.{name}.png"]


@pytest.mark.usefixtures("cache")
def test_dead_channels_are_told(digits_run: Run, digit: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(digits_run.path, run)
    classifier = Run(run).classifier
    convolution = classifier.network.layer("stages.c1.conv")
    convolution.weight.data[2] = 0
    convolution.bias.data[2] = 0
    classifier.save(run / "model")
    written = look_inside(run, digit, layer="stages.c1", out=tmp_path / "out", device="cpu")
    assert "1 channel fires nowhere in this image: 2." in Page(written[-1]).text


@pytest.mark.usefixtures("cache")
def test_data_that_is_gone_is_told_and_no_error(digits_run: Run, digit: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(digits_run.path, run)
    config = run / "config.json"
    config.write_text(config.read_text().replace('"data": "digits"', '"data": "/nowhere/photos"'))
    page = Page(look_inside(run, digit, out=tmp_path / "out", device="cpu")[-1])
    assert "was trained on are not at hand: there is no folder or file /nowhere/photos." in page.text
    config.unlink()
    (tmp_path / "run" / "split.csv").unlink()
    page = Page(look_inside(run, digit, out=tmp_path / "out", device="cpu")[-1])
    assert "has no config.json." in page.text


@pytest.mark.usefixtures("cache")
def test_a_class_name_is_no_html(digits_run: Run, digit: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(digits_run.path, run)
    classifier = Run(run).classifier
    classifier.classes = tuple(f"<b>{name}" for name in classifier.classes)
    classifier.save(run / "model")
    text = look_inside(run, digit, out=tmp_path / "out", device="cpu")[-1].read_text()
    assert "<b>" not in text
    assert "&lt;b&gt;" in text


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ("layer stages.c9", ModelError, r"there is no layer 'stages\.c9' \(LeNet5\): did you mean .*stages\.c1"),
        ("layer head.output", ModelError, "gives no feature maps"),
        ("layer 99", ModelError, "there is no stage 99"),
        ("damaged image", ImageError, "cannot read image .* truncated"),
        ("no image", ImageError, "gone.png"),
        ("no run", RunError, "there is no folder"),
        ("no weights", RunError, "has no model.safetensors"),
        ("damaged weights", SightlineError, "model.safetensors"),
        ("out is a file", StorageError, "cannot write"),
    ],
)
def test_what_cannot_be_looked_at(
    change: str, error: type[SightlineError], sentence: str, digits_run: Run, digit: Path, tmp_path: Path
) -> None:
    run, image, out, layer = tmp_path / "run", digit, tmp_path / "out", None
    shutil.copytree(digits_run.path, run)
    weights = run / "model" / "model.safetensors"
    match change:
        case "damaged image":
            image.write_bytes(image.read_bytes()[:60])
        case "no image":
            image = tmp_path / "gone.png"
        case "no run":
            run = tmp_path / "moved"
        case "no weights":
            weights.unlink()
        case "damaged weights":
            weights.write_bytes(weights.read_bytes()[:100])
        case "out is a file":
            out.write_text("in the way")
        case _:
            layer = change.removeprefix("layer ")
    with pytest.raises(error, match=sentence) as caught:
        look_inside(run, image, layer=layer, out=out, device="cpu")
    assert "\n" not in str(caught.value)
    assert not out.is_dir() or not any(out.iterdir())
