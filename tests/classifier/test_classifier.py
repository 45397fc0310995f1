"""A classifier answers with names, averages views, survives bad files, and is the same after saving and loading."""

import json
import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from sightline.classifier.classifier import Classifier, Prediction
from sightline.classifier.confidence import ConformalRule, UnknownRule
from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.errors import ConfigError, DataError, ImageError, ModelError, RunError
from sightline.models import registry
from sightline.models.contract import Network
from sightline.models.registry import Architecture
from sightline.pixels.preprocess import Preprocess

CLASSES = ("dark", "light")
PLAIN = Preprocess(size=(3, 3), channels=1, mean=(0.0,), std=(1.0,))


class OneLayer(Network):
    """Logits are a linear function of the pixels, so that every answer can be computed by hand."""

    def __init__(self, num_classes: int, in_channels: int, size: int) -> None:
        super().__init__()
        self.stages = nn.Sequential(nn.Dropout(0.5))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(in_channels * size * size, num_classes))
        self.input_shape = (in_channels, size, size)

    def replace_head(self, num_classes: int) -> None:
        self.head[1] = nn.Linear(self.head[1].in_features, num_classes)


@pytest.fixture(autouse=True)
def one_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    registry.list_models()  # so that the real networks are registered before this one comes and goes
    monkeypatch.setattr(registry, "_entries", dict(registry._entries))
    registry.register("one_layer", size=3, in_channels=1, num_classes=2, description="linear in the pixels")(OneLayer)


def classifier_of(weights: list[float], **settings: object) -> Classifier:
    """Of 3 x 3 grey images: the logit of "light" is the weighted sum of the nine pixels in [0, 1], that of "dark" 0."""
    architecture = Architecture(name="one_layer", num_classes=2, in_channels=1, size=3)
    network = architecture.build()
    with torch.no_grad():
        network.head[1].weight.copy_(torch.tensor([[0.0] * 9, weights]))
        network.head[1].bias.zero_()
    return Classifier(network, CLASSES, PLAIN, architecture, **settings)


def random_classifier(**settings: object) -> Classifier:
    return classifier_of(torch.randn(9, generator=torch.Generator().manual_seed(0)).tolist(), **settings)


def pixel(row: int, column: int) -> list[float]:
    weights = [0.0] * 9
    weights[3 * row + column] = 1.0
    return weights


RAMP = torch.arange(9, dtype=torch.uint8).reshape(1, 1, 3, 3) * 25  # 0 25 50 / 75 100 125 / 150 175 200


@pytest.mark.parametrize(
    ("views", "weights", "expected"),
    [
        ("plain", pixel(1, 0), 75),
        ("mirror", pixel(1, 0), (75 + 125) / 2),
        ("shift", pixel(1, 1), 100 / 2 + 0 / 4 + 200 / 4),
        ("shift", pixel(0, 0), 0 / 2 + 100 / 4 + 100 / 4),  # the border is a reflection, so both bring in the centre
        ("shift", pixel(0, 1), 25 / 2 + 75 / 4 + 125 / 4),
        ("mirror-shift", pixel(0, 1), 25 / 2 + 75 / 4 + 125 / 4),
        ("mirror-shift", pixel(1, 0), (75 + 125) / 4 + (25 + 25 + 175 + 175) / 8),
    ],
)
def test_views_by_hand(views: str, weights: list[float], expected: float) -> None:
    logits = classifier_of(weights, views=views).logits(RAMP)
    torch.testing.assert_close(logits, torch.tensor([[0.0, expected / 255]]))


def test_probabilities_use_the_temperature() -> None:
    light = torch.full((1, 1, 3, 3), 255, dtype=torch.uint8)
    weights = [np.log(9) / 9] * 9  # the logit of a white image is ln 9: odds of 9 to 1
    torch.testing.assert_close(classifier_of(weights).probabilities(light), torch.tensor([[0.1, 0.9]]))
    softer = classifier_of(weights, temperature=2.0).probabilities(light)  # odds of √9 to 1
    torch.testing.assert_close(softer, torch.tensor([[0.25, 0.75]]))


def splits_of(pixels: Tensor, *, note: str = "") -> Splits:
    """Training images alone; the first is dark, the rest are light."""
    labels = torch.tensor([0] + [1] * (len(pixels) - 1))
    ids = tuple(map(str, range(len(pixels))))
    return Splits("shades", ImageSet(ArrayImages(pixels), labels, CLASSES, ids), None, None, note=note)


def test_a_trained_network_becomes_a_classifier(tmp_path: Path) -> None:
    pixels = torch.tensor([0, 255], dtype=torch.uint8)[:, None, None, None].repeat(1, 1, 3, 3)
    network = registry.create_model("one_layer", num_classes=2)
    classifier = Classifier.of(network, splits_of(pixels, note="two images"), views="mirror")
    assert classifier.network is network
    assert classifier.preprocess == Preprocess(size=(3, 3), channels=1, mean=(0.5,), std=(0.5,))  # of 0 and 1
    assert (classifier.classes, classifier.views, classifier.note) == (CLASSES, "mirror", "two images")
    assert classifier.provenance["data"] == "shades"
    classifier.save(tmp_path)
    dark = np.zeros((3, 3, 1), np.uint8)
    assert Classifier.load(tmp_path).predict(dark) == classifier.predict(dark)
    assert Classifier.of(network, splits_of(pixels), preprocess=PLAIN).preprocess == PLAIN


def test_a_network_without_a_name_cannot_become_a_classifier() -> None:
    with pytest.raises(ModelError) as caught:
        Classifier.of(OneLayer(2, 1, 3), splits_of(RAMP))
    assert str(caught.value) == (
        "this OneLayer was not built by name: "
        "give it one with `sightline.models.registry.register`, and build it with `create_model`"
    )


def test_logits_leave_every_module_in_its_mode() -> None:
    classifier = random_classifier()
    classifier.network.train()
    classifier.network.head.eval()  # as a frozen part is
    modes = [module.training for module in classifier.network.modules()]
    first, second = classifier.logits(RAMP), classifier.logits(RAMP)
    assert torch.equal(first, second)  # dropout is off
    assert [module.training for module in classifier.network.modules()] == modes


def test_modes_come_back_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = random_classifier()
    classifier.network.train()

    def fail(x: Tensor) -> Tensor:
        raise KeyError

    monkeypatch.setattr(classifier.network, "forward", fail)
    with pytest.raises(KeyError):
        classifier.logits(RAMP)
    assert all(module.training for module in classifier.network.modules())


def test_logits_do_not_depend_on_the_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    classifier = random_classifier(views="mirror-shift")
    images = torch.randint(0, 256, (11, 1, 3, 3), dtype=torch.uint8)
    whole = classifier.logits(images)
    monkeypatch.setattr("sightline.classifier.classifier.CHUNK", 4)
    torch.testing.assert_close(classifier.logits(images), whole)
    assert classifier.logits(images[:0]).shape == (0, 2)


def test_bf16_agrees_with_fp32_and_gives_float32() -> None:
    images = torch.randint(0, 256, (50, 1, 3, 3), dtype=torch.uint8)
    classifier = random_classifier()
    exact = classifier.logits(images)
    rounded = classifier.to("cpu", "bf16").logits(images)
    assert rounded.dtype == torch.float32
    assert not torch.equal(rounded, exact)
    torch.testing.assert_close(rounded, exact, atol=0.05, rtol=0)  # 8 bits of mantissa, nine terms of order 1
    assert next(classifier.network.parameters()).dtype == torch.float32


@pytest.mark.parametrize(
    ("images", "words"),
    [
        (torch.zeros(2, 3, 3, 3, dtype=torch.uint8), "uint8 2 x 3 x 3 x 3"),
        (torch.zeros(2, 1, 3, 3), "float32 2 x 1 x 3 x 3"),
        (torch.zeros(1, 3, 3, dtype=torch.uint8), "uint8 1 x 3 x 3"),
    ],
)
def test_wrong_images_are_named(images: Tensor, words: str) -> None:
    with pytest.raises(DataError) as caught:
        random_classifier().logits(images)
    assert str(caught.value) == (
        f"images are {words}, the classifier sees uint8 B x 1 x 3 x 3: "
        "turn each image into network input with the classifier's own `preprocess`"
    )


def test_predict_names_the_class() -> None:
    classifier = classifier_of([np.log(9) / 9] * 9, unknown=UnknownRule(score="probability", threshold=0.8))
    white = np.full((3, 3, 1), 255, dtype=np.uint8)
    prediction = classifier.predict(white)
    assert (prediction.label, prediction.unknown) == ("light", False)
    assert prediction.probability == pytest.approx(0.9)
    assert [label for label, _ in prediction.top] == ["light", "dark"]
    assert sum(probability for _, probability in prediction.top) == pytest.approx(1)
    assert len(classifier.predict(white, top=1).top) == 1
    assert classifier.predict(white // 2).unknown  # odds of 3 to 1: 0.75


def test_label_sets_on_request() -> None:
    white, grey = np.full((3, 3, 1), 255, dtype=np.uint8), np.zeros((3, 3, 1), dtype=np.uint8)
    rule = ConformalRule(floors=(0.95, 0.6, 0.05), images=199)
    classifier = classifier_of([np.log(9) / 9] * 9, conformal=rule)  # probabilities 0.1, 0.9 and 0.5, 0.5
    assert classifier.predict(white).label_set == ()
    sets = {coverage: classifier.predict(white, coverage=coverage).label_set for coverage in (0.005, 0.01, 0.011)}
    assert sets == {0.005: (), 0.01: ("light",), 0.011: ("light", "dark")}  # 0.011 is rounded up to 0.015
    many = list(classifier.predict_many([white, grey, white], coverage=0.01, batch_size=2))
    assert [answer.label_set for answer in many] == [("light",), (), ("light",)]
    # Of equally probable classes all or none are in the set, in the order of the classes.
    assert classifier.predict(grey, coverage=0.015).label_set == ("dark", "light")
    classifier.temperature = 1000.0  # the floors are for calibrated probabilities
    assert classifier.predict(white, coverage=0.01).label_set == ()


@pytest.mark.parametrize("coverage", [0.0, 1.0, -1.0, 95.0])
def test_an_impossible_coverage_is_refused(coverage: float) -> None:
    classifier = classifier_of([1.0] * 9, conformal=ConformalRule(floors=(0.5,), images=199))
    with pytest.raises(ConfigError, match=f"coverage is {coverage}: use a share between 0 and 1"):
        classifier.predict(png(255), coverage=coverage)


def test_a_coverage_needs_enough_validation_images() -> None:
    with pytest.raises(ConfigError, match="this model has no validation images behind it that tell a coverage: train"):
        next(classifier_of([1.0] * 9).predict_many([png(255)], coverage=0.9))
    few = classifier_of([1.0] * 9, conformal=ConformalRule(floors=(0.9, 0.5), images=2))
    with pytest.raises(ConfigError, match=r"coverage is 0.95, and 2 validation images can promise at most 0.01: ask"):
        few.predict(png(255), coverage=0.95)


def png(value: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (5, 4), (value, value, value)).save(file, "png")
    return file.getvalue()


def test_impossible_wishes_are_refused() -> None:
    classifier = classifier_of([1.0] * 9)
    for top in (0, -1):
        with pytest.raises(ConfigError, match=f"top is {top}: ask for 1 or more classes"):
            classifier.predict(png(255), top=top)
        with pytest.raises(ConfigError, match=f"top is {top}"):
            next(classifier.predict_many([png(255)], top=top))
    with pytest.raises(ConfigError, match="batch_size is 0: use 1 or more images"):
        next(classifier.predict_many([png(255)], batch_size=0))
    with pytest.raises(ConfigError, match="precision is 'fp16': use fp32 or bf16"):
        classifier.to("cpu", "fp16")  # type: ignore[arg-type]
    assert len(classifier.predict(png(255), top=9).top) == 2


def test_predict_many_goes_on_after_a_bad_file(tmp_path: Path) -> None:
    (tmp_path / "good.png").write_bytes(png(255))
    (tmp_path / "bad.png").write_bytes(png(255)[:40])
    classifier = classifier_of([1.0] * 9)
    sources = [tmp_path / "good.png", tmp_path / "bad.png", png(255), tmp_path / "gone.png", b""] * 3
    answers = list(classifier.predict_many(sources, batch_size=4))
    assert [isinstance(answer, ImageError) for answer in answers] == [False, True, False, True, True] * 3
    assert all(answer.label == "light" for answer in answers if isinstance(answer, Prediction))
    assert "bad.png" in str(answers[1])
    assert "gone.png" in str(answers[3])


def test_predict_many_agrees_with_predict_and_reads_only_two_batches_ahead() -> None:
    taken = 0

    def sources() -> Iterator[bytes]:
        nonlocal taken
        for value in range(0, 250, 10):
            taken += 1
            yield png(value)

    classifier = random_classifier()
    answers = classifier.predict_many(sources(), batch_size=4)
    first = next(answers)
    assert taken == 8
    rest = list(answers)
    assert len(rest) == 24
    for answer, value in zip([first, *rest], range(0, 250, 10), strict=True):
        assert isinstance(answer, Prediction)
        assert answer.probability == pytest.approx(classifier.predict(png(value)).probability, abs=1e-6)
    assert list(classifier.predict_many([])) == []


def test_saved_and_loaded_is_the_same(tmp_path: Path) -> None:
    classifier = random_classifier(
        temperature=1.5,
        views="mirror",
        note="Only 1,000 of 10,000.",
        unknown=UnknownRule(score="energy", threshold=-0.1, images=400),
        conformal=ConformalRule(floors=(0.9, 1 / 3, 0.1), images=400),
        provenance={"data": "ramp"},
    )
    classifier.save(tmp_path / "run" / "model")
    state = torch.get_rng_state()
    loaded = Classifier.load(tmp_path / "run")  # the run folder or the model folder
    assert torch.equal(torch.get_rng_state(), state)  # building the network drew no random number of ours
    images = torch.randint(0, 256, (20, 1, 3, 3), dtype=torch.uint8)
    assert torch.equal(loaded.logits(images), classifier.logits(images))
    assert loaded.description() == classifier.description()
    assert loaded.provenance == {"sightline": "0.1.0", "torch": str(torch.__version__), "data": "ramp"}


def test_names_must_fit_the_outputs() -> None:
    classifier = random_classifier()
    with pytest.raises(ConfigError, match="2 outputs have 1 class names"):
        Classifier(classifier.network, ["dark"], PLAIN, classifier.architecture)
    with pytest.raises(ConfigError, match="two classes have the same name"):
        Classifier(classifier.network, ["dark", "dark"], PLAIN, classifier.architecture)


def test_a_description_of_format_1_is_read(tmp_path: Path) -> None:
    """Its least probability that is believed, at the classifier's temperature, is a rule of format 2; 0 is none."""
    white = np.full((3, 3, 1), 255, dtype=np.uint8)
    classifier_of([np.log(9) / 9] * 9, temperature=2.0).save(tmp_path)  # a white image: 0.75, at temperature 1 0.9
    path = tmp_path / "model.json"
    now = json.loads(path.read_text())
    assert (now.pop("format"), now.pop("unknown"), now.pop("conformal")) == (2, None, None)
    path.write_text(json.dumps(now | {"format": 1, "unknown_below": 0.8}))
    assert Classifier.load(tmp_path).predict(white).unknown
    path.write_text(json.dumps(now | {"format": 1, "unknown_below": 0.7}))
    assert not Classifier.load(tmp_path).predict(white).unknown
    path.write_text(json.dumps(now | {"format": 1, "unknown_below": 0.0}))
    assert Classifier.load(tmp_path).unknown is None


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_damaged_file_is_named(name: str, tmp_path: Path) -> None:
    random_classifier().save(tmp_path)
    (tmp_path / name).write_bytes(b"[1]")
    with pytest.raises(RunError, match=re.escape(str(tmp_path / name))) as caught:
        Classifier.load(tmp_path)
    assert caught.value.exit_code == 2
    (tmp_path / name).unlink()
    with pytest.raises(RunError, match=f"has no {re.escape(name)}: give a run folder"):
        Classifier.load(tmp_path)


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("gpu", "there is no device 'gpu': use cpu, cuda, cuda:1 or mps"),
        ("cuda:99", f"device 'cuda:99' is not there: {torch.cuda.device_count()} CUDA devices are visible"),
    ],
)
def test_a_device_that_is_not_there_is_named(tmp_path: Path, device: str, message: str) -> None:
    random_classifier().save(tmp_path)
    with pytest.raises(ConfigError) as caught:
        Classifier.load(tmp_path, device=device)
    assert str(caught.value) == message
