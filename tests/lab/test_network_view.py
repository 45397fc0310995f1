"""The network as the page is given it: the numbers of sightline.inspection."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sightline.errors import InputError, RunError
from sightline.inspection import activations, arithmetic, grad_cam, kernels
from sightline.lab.answers import to_json
from sightline.lab.export import export
from sightline.lab.network_view import NetworkView
from sightline.lab.workspace import Workspace
from sightline.models.summary import summary
from sightline.runs.run import Run

from .conftest import png, unpacked


@pytest.fixture(scope="module")
def view(digits_run: Run) -> NetworkView:
    workspace = Workspace(digits_run.path)
    return NetworkView(workspace.run, workspace.classifier)


def values_of(packed: dict[str, Any]) -> Any:
    shares = unpacked(packed) / 255
    return packed["high"] * (2 * shares - 1 if packed["signed"] else shares)


def test_layers_are_those_of_the_summary(view: NetworkView) -> None:
    about = json.loads(to_json(view.about()))
    rows = summary(view.classifier.network).rows
    assert [layer["name"] for layer in about["layers"]] == [row.name for row in rows]
    assert about["parameters"] == sum(row.parameters for row in rows)
    assert about["draws"]


def test_an_overview(view: NetworkView) -> None:
    overview = json.loads(to_json(view.overview("test-5")))
    assert view.pictures.test is not None
    pixels = view.pictures.test.images.read(5)
    answer = view.classifier.predict(pixels, top=10)
    assert [label for label, _ in overview["prediction"]["top"]] == [label for label, _ in answer.top]
    np.testing.assert_allclose([p for _, p in overview["prediction"]["top"]], [p for _, p in answer.top], atol=1e-5)
    assert overview["truth"] == view.pictures.test.classes[int(view.pictures.test.labels[5])]
    heat = grad_cam(view.classifier, pixels, answer.label)
    np.testing.assert_allclose(unpacked(overview["cam"]["map"]) / 255, heat, atol=0.003)
    for row, strip in zip(view.rows, overview["strips"], strict=True):
        if strip is None:
            assert len(row.shape) == 1
            continue
        maps = activations(view.classifier, pixels, row.name).values[strip["channels"]]
        if max(maps.shape[1:]) <= 24:
            np.testing.assert_allclose(values_of(strip), maps, atol=strip["high"] / 127)


def test_a_layer(view: NetworkView) -> None:
    number = next(i for i, row in enumerate(view.rows) if row.role == "convolution")
    answer = json.loads(to_json(view.layer("test-5", number)))
    assert view.pictures.test is not None
    maps = activations(view.classifier, view.pictures.test.images.read(5), view.rows[number].name)
    order = [channel["number"] for channel in answer["maps"]["channels"]]
    np.testing.assert_allclose(values_of(answer["maps"]), maps.values[order], atol=answer["maps"]["high"] / 127)
    np.testing.assert_allclose([c["most"] for c in answer["maps"]["channels"]], maps.max[order], rtol=1e-3)
    weights = kernels(view.classifier, view.rows[number].name)
    np.testing.assert_allclose(answer["kernels"]["values"], weights[:64, :8], atol=1e-4)
    head = json.loads(to_json(view.layer("test-5", len(view.rows) - 1)))
    assert head["maps"] is None
    assert {name for name, _ in head["vector"]["values"]} == set(view.classifier.classes)


def test_one_value_adds_up(view: NetworkView) -> None:
    assert view.pictures.test is not None
    pixels = view.pictures.test.images.read(5)
    count = 0
    for number, row in enumerate(view.rows):
        if len(row.shape) != 3:
            continue
        place = (1, row.shape[1] // 2, row.shape[2] - 1)
        answer = json.loads(to_json(view.value("test-5", number, *place)))
        output = float(activations(view.classifier, pixels, row.name).values[place])
        assert answer["output"] == pytest.approx(output, abs=1e-5)
        if row.role == "convolution":
            count += 1
            total = sum(term["sum"] for term in answer["terms"]) + answer["rest"] + answer["bias"]
            assert total == pytest.approx(output, abs=1e-4)
            taken = arithmetic(view.classifier, pixels, row.name, *place)
            strongest = answer["terms"][0]
            channel = taken.channels.tolist().index(strongest["channel"])
            np.testing.assert_allclose(strongest["products"], taken.products[channel], rtol=1e-4, atol=1e-6)
    assert count == 2


def test_places_and_pictures_that_do_not_exist(view: NetworkView) -> None:
    with pytest.raises(InputError, match="there is no layer 999"):
        view.layer("test-5", 999)
    with pytest.raises(InputError):
        view.value("test-5", 0, 99, 0, 0)
    for name in ("test-99999", "../config.json", "test--1", "test-", "given-7"):
        with pytest.raises(InputError, match="has no picture"):
            view.overview(name)


def test_a_drawing_is_answered(view: NetworkView) -> None:
    ink = np.zeros((112, 112), np.uint8)
    ink[10:100, 52:60] = 255
    answer = view.draw(ink.tobytes(), 112)
    assert answer["prediction"]["top"][0][0] == "1"
    assert view.overview("drawing")["prediction"] == answer["prediction"]
    with pytest.raises(InputError, match="are no drawing"):
        view.draw(b"abc", 2)


def test_neighbours_are_training_pictures(view: NetworkView) -> None:
    neighbours = json.loads(to_json(view.neighbours("test-5")))["neighbours"]
    assert len(neighbours) == 8
    assert all(one["uri"].startswith("data:image/png") and -1 <= one["similarity"] <= 1.0001 for one in neighbours)


def test_data_that_is_gone_is_said(digits_run: Run, tmp_path: Path) -> None:
    shutil.copytree(digits_run.path, tmp_path / "run")
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    (tmp_path / "run" / "config.json").write_text(json.dumps(config | {"data": str(tmp_path / "gone")}))
    workspace = Workspace(tmp_path / "run")
    view = NetworkView(workspace.run, workspace.classifier)
    assert "test images are not at hand" in view.pictures.page(0)["missing"]
    picture = view.pictures.give(png(np.zeros((8, 8), np.uint8)))["id"]
    assert view.overview(picture)["truth"] is None
    assert view.layer(picture, 0)["maps"]["dead"] is None


def test_the_copy_has_what_it_offers(digits_run: Run, tmp_path: Path) -> None:
    export(tmp_path, digits_run.path)
    data = tmp_path / "data"
    pictures = json.loads((data / "pictures" / "page-0.json").read_bytes())["pictures"]
    layers = json.loads((data / "network.json").read_bytes())["layers"]
    assert len(pictures) == 8
    for picture in pictures:
        folder = data / "pictures" / picture["id"]
        assert json.loads((folder / "overview.json").read_bytes())["truth"] == picture["truth"]
        for number in range(len(layers)):
            for channel, row, column in json.loads((folder / f"layer-{number}.json").read_bytes())["places"]:
                assert (folder / f"layer-{number}" / f"{channel}-{row}-{column}.json").is_file()
    assert sum(path.stat().st_size for path in data.rglob("*.json")) < 6e6


def test_a_published_network_has_no_training_images_here() -> None:
    published = NetworkView(None, Workspace(model="resnet20", weights="none").classifier)
    picture = published.pictures.give(png(np.zeros((40, 40, 3), np.uint8)))["id"]
    with pytest.raises(RunError) as caught:
        published.neighbours(picture)
    assert str(caught.value) == (
        "the images that resnet20 was trained on are not here: train it on images of your own, then `sightline lab RUN`"
    )
