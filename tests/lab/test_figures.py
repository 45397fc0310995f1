"""The live figures of the lessons: what they show is what Python computes."""

import math
import re
from typing import Any

import numpy as np
import pytest
import timm
import torch

import sightline
from sightline.evaluation.intervals import wilson_interval
from sightline.pixels import textbook

from .conftest import OpenPage

PARTS = ("stem", "layer1", "layer2", "layer3", "layer4", "head")


def slide(figure: Any, label: str, value: float) -> None:
    figure.locator("label", has_text=label).first.locator("input").evaluate(
        "(range, value) => { range.value = value; range.dispatchEvent(new Event('input')); }", value
    )


def figure_of(page: Any, name: str) -> Any:
    return page.locator(f"figure[data-figure={name}]")


def numbers(text: str) -> list[float]:
    return [float(number.replace(",", "")) for number in re.findall(r"\d[\d,]*\.?\d*", text)]


def test_sizes(open_page: OpenPage) -> None:
    figure = figure_of(open_page("course/padding.html"), "sizes")
    for size, kernel, padding, stride in ((10, 3, 1, 2), (20, 5, 0, 3), (7, 7, 3, 1)):
        for label, value in (("pixels", size), ("kernel", kernel), ("padding", padding), ("stride", stride)):
            slide(figure, label, value)
        expected = textbook.output_size(size, kernel, stride, padding)
        assert figure.locator(".window").count() == expected
        assert figure.locator(".equation").inner_text().endswith(f"= {expected}")
    slide(figure, "pixels", 4)
    slide(figure, "padding", 0)
    assert "does not fit" in figure.locator(".equation").inner_text()


def test_pooling(open_page: OpenPage) -> None:
    figure = figure_of(open_page("course/pooling.html"), "pooling")

    def grid(place: int) -> Any:
        cells = figure.locator(".panel").nth(place).locator(".cell").all_inner_texts()
        side = math.isqrt(len(cells))
        return np.array(cells, int).reshape(side, side)

    before = grid(1)
    np.testing.assert_array_equal(before, textbook.max_pool2d(grid(0), 2))
    figure.get_by_role("button", name="Right").click()
    np.testing.assert_array_equal(grid(1), textbook.max_pool2d(grid(0), 2))
    stayed = int((grid(1) == before).sum())
    assert figure.locator(".equation").inner_text().startswith(f"{stayed} of 16 pooled values stayed")
    assert 0 < stayed < 16


def test_softmax(open_page: OpenPage) -> None:
    figure = figure_of(open_page("course/softmax.html"), "softmax")
    slide(figure, "logit of dog", 3.5)
    slide(figure, "temperature", 2)
    probabilities = torch.tensor([2.0, 3.5, -1.0]).div(2).softmax(0)
    values = [float(words.split()[0]) for words in figure.locator(".count-words").all_inner_texts()]
    np.testing.assert_allclose(values, 100 * probabilities, atol=0.051)
    figure.get_by_label("It is a").select_option("dog")
    assert figure.locator(".big-formula b").inner_text() == f"{-math.log(probabilities[1]):.3f}"


def test_stack_and_separable(open_page: OpenPage) -> None:
    page = open_page("course/blocks.html")
    figure = figure_of(page, "stack")
    slide(figure, "layers of", 2)
    slide(figure, "channels", 32)
    expected = [2 * torch.nn.Conv2d(32, 32, 3).weight.numel(), torch.nn.Conv2d(32, 32, 5).weight.numel()]
    assert [numbers(words)[0] for words in figure.locator(".count-words").all_inner_texts()] == expected
    page = open_page("course/architectures.html")
    figure = figure_of(page, "separable")
    slide(figure, "channels in", 16)
    slide(figure, "kernel", 5)
    whole = torch.nn.Conv2d(16, 128, 5).weight.numel()
    apart = torch.nn.Conv2d(16, 16, 5, groups=16).weight.numel() + torch.nn.Conv2d(16, 128, 1).weight.numel()
    assert [numbers(words)[0] for words in figure.locator(".count-words").all_inner_texts()] == [whole, apart]


def test_the_timeline_counts_as_the_networks_do(open_page: OpenPage) -> None:
    figure = figure_of(open_page("course/architectures.html"), "timeline")
    with torch.device("meta"):
        built = {
            "LeNet-5": sightline.create_model("lenet5", num_classes=10),
            "AlexNet": sightline.create_model("alexnet", num_classes=1000),
            "VGG-16": sightline.create_model("vgg16", num_classes=1000),
            "ResNet-18": sightline.create_model("resnet18", num_classes=1000),
            "Inception-v3": timm.create_model("inception_v3", aux_logits=False),
            "MobileNetV2": timm.create_model("mobilenetv2_100"),
            "EfficientNet-B0": timm.create_model("efficientnet_b0"),
        }
    assert figure.get_by_role("button").count() == len(built)
    for name, network in built.items():
        figure.get_by_role("button", name=name).click()
        count = sum(parameter.numel() for parameter in network.parameters())
        assert f"{count:,} parameters" in figure.get_by_role("status").inner_text()


def test_fitting_over_fits_and_stops(open_page: OpenPage) -> None:
    figure = figure_of(open_page("course/training.html"), "fitting")
    words = figure.locator(".equation")
    best, stopped, held, _, last, _ = numbers(words.inner_text().replace("epoch", ""))
    assert best < stopped == 300
    assert held < last
    slide(figure, "patience", 10)
    assert numbers(words.inner_text())[1] == best + 10
    slide(figure, "learning rate", 0)
    assert words.inner_text() == "The error grows: the rate is too large."


def test_the_fit_is_gradient_descent(open_page: OpenPage) -> None:
    """The same steps in NumPy."""
    page = open_page("course/training.html")
    made = page.evaluate(
        """async () => {
          const { fit, noisyPoints } = await import("../static/figures/fitting.js");
          const [training, validation] = [noisyPoints(14, 5), noisyPoints(12, 11)];
          return { training, validation, ...fit(training, validation, { degree: 4, rate: 0.1, patience: 300 }),
            errors: fit(training, validation, { degree: 4, rate: 0.1, patience: 300 }).training };
        }"""
    )
    page_points = page.evaluate(
        "async () => { const m = await import('../static/figures/fitting.js'); return [m.noisyPoints(14, 5)]; }"
    )[0]
    x, y = np.array(page_points).T
    inputs = np.polynomial.chebyshev.chebvander(x, 4)
    weights, errors = np.zeros(5), []
    for _ in made["errors"]:
        weights -= 0.1 * 2 * inputs.T @ (inputs @ weights - y) / len(x)
        errors.append(np.mean((inputs @ weights - y) ** 2))
    np.testing.assert_allclose(made["errors"], errors, rtol=1e-9)


def test_augmenting(open_page: OpenPage) -> None:
    page = open_page("course/augmentation.html")
    image = np.arange(64).reshape(8, 8) % 10
    changed = page.evaluate(
        """async (image) => {
          const { varied } = await import("../static/figures/training.js");
          const still = { angle: 0, right: 0, down: 0, bright: 0, mirrored: false, upside: false, erased: false };
          const ways = [{ mirrored: true }, { upside: true }, { right: 2, down: -1 }, { angle: 90 }];
          return ways.map((how) => varied(image, { ...still, ...how }));
        }""",
        image.tolist(),
    )
    np.testing.assert_array_equal(changed[0], image[:, ::-1])
    np.testing.assert_array_equal(changed[1], image[::-1, ::-1])
    shifted = np.zeros_like(image)
    shifted[:7, 2:] = image[1:, :6]
    np.testing.assert_array_equal(changed[2], shifted)
    assert any(np.array_equal(changed[3], np.rot90(image, turn)) for turn in (1, 3))
    figure = figure_of(page, "augment")
    figure.get_by_role("button", name="Mirror").click()
    assert figure.locator(".equation").inner_text().startswith("mirrored: ")


def test_freezing(open_page: OpenPage) -> None:
    figure = figure_of(open_page("course/transfer.html"), "freezing")
    counts = dict.fromkeys(PARTS, 0)
    for name, parameter in sightline.create_model("resnet18", num_classes=5).named_parameters():
        counts[name.split(".")[name.startswith("stages.")]] += parameter.numel()
    assert [int(numbers(words)[0]) for words in figure.locator(".part .path").all_inner_texts()] == list(
        counts.values()
    )
    slide(figure, "parts below", 2)
    learning = counts["head"] + counts["layer4"] + counts["layer3"]
    assert figure.locator(".equation").inner_text().startswith(f"{learning:,} of {sum(counts.values()):,}")
    slide(figure, "slower", 10)
    rates = figure.locator(".rate").all_inner_texts()
    assert rates[-3:] == ["1e\N{MINUS SIGN}5", "1e\N{MINUS SIGN}4", "1e\N{MINUS SIGN}3"]
    assert rates[:3] == ["frozen"] * 3


def test_interval_and_threshold(open_page: OpenPage) -> None:
    page = open_page("course/judging.html")
    figure = figure_of(page, "interval")
    slide(figure, "recognised", 87)
    slide(figure, "test images", 3)
    low, high = wilson_interval(870, 1_000)
    assert figure.locator(".big-formula").inner_text() == f"870 of 1,000: {100 * low:.1f} to {100 * high:.1f} %"
    figure = figure_of(page, "threshold")
    slide(figure, "threshold", 0.6)
    hits, misses, alarms, rest = (int(cell) for cell in figure.locator("td").all_inner_texts())
    assert (hits + misses, alarms + rest) == (20, 20)
    said = numbers(figure.locator(".equation").inner_text().replace("F1", ""))
    assert said[2] == pytest.approx(hits / (hits + alarms), abs=0.0051)
    assert said[5] == pytest.approx(hits / 20, abs=0.0051)
    assert said[6] == pytest.approx(2 * hits / (2 * hits + alarms + misses), abs=0.0051)
    slide(figure, "threshold", 0)
    assert [int(cell) for cell in figure.locator("td").all_inner_texts()] == [20, 0, 20, 0]


def test_the_reader_sees_their_own_run(open_page: OpenPage, run_port: int) -> None:
    page = open_page("course/convolution.html", port=run_port)
    own = page.locator(".own")
    own.wait_for()
    first = sightline.create_model("lenet5", num_classes=10, in_channels=1).layer("stages.c1.conv")
    count = sum(parameter.numel() for parameter in first.parameters())
    own.get_by_label(f"{count:,}", exact=True).check()
    assert "Right." in own.locator(".choice.right .reply").inner_text()
    wrong = own.locator("input[type=radio]").first
    wrong.check()
    assert "Not quite." in own.locator(".choice.wrong .reply").inner_text()
