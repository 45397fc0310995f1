"""What the lessons say about the reader's own network and data: a figure and questions for some of them.

Everything comes from the run: its settings, its history, its network, one of its test images; or from a published
network alone. Where something is missing that a lesson would need, that lesson has nothing of its own.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import nn

from sightline.data.imageset import ImageSet
from sightline.data.load import load_recorded_test
from sightline.data.split import read_manifest
from sightline.errors import SightlineError
from sightline.evaluation.intervals import wilson_interval
from sightline.inspection.filters import kernels
from sightline.lab.lessons import QuizQuestion
from sightline.lab.workspace import Workspace
from sightline.models.contract import Network
from sightline.models.summary import Summary, summary
from sightline.pixels.textbook import output_size

KERNELS = 16  # shown at most
TIMES, MINUS = "\N{MULTIPLICATION SIGN}", "\N{MINUS SIGN}"
SIDE = 16  # pixels each way of an image whose numbers are shown

Part = dict[str, Any]
Choice = tuple[str, str]  # the words, and the reply to whoever chooses them


def own_parts(workspace: Workspace) -> dict[str, Part]:
    """By the lesson's slug: `words`, a sentence; `figure`, its kind and numbers, or None; `questions`.

    Raises RunError or ModelError when the run has no network that can be read.
    """
    network = workspace.classifier.network
    rows = summary(network)
    image = _test_image(workspace)
    parts = {
        "images": _images(network, image),
        "flatten": _flatten(network),
        "convolution": _convolution(network),
        "padding": _padding(network, rows),
        "blocks": _depth(network, rows),
        "training": _training(workspace.run.history if workspace.has_run else []),
        "judging": _judging(workspace),
    }
    return {slug: part for slug, part in parts.items() if part}


def _part(words: str, figure: Part | None, *questions: QuizQuestion | None) -> Part:
    quiz = [{"text": q.text, "choices": q.choices, "replies": q.replies, "right": q.right[0]} for q in questions if q]
    return {"words": words, "figure": figure, "questions": quiz}


def question(text: str, right: Choice, *wrong: Choice) -> QuizQuestion | None:
    """One with its choices in the order of their numbers, or else of their words; None when no wrong one is left.

    A wrong choice that happens to say the same as the right one, or as one before it, is left out.
    """
    different = {words: (words, reply) for words, reply in reversed(wrong) if words != right[0]}
    if not different:
        return None
    choices = sorted([right, *different.values()], key=lambda choice: (_first_number(choice[0]), choice[0]))
    return QuizQuestion(
        text=text,
        choices=tuple(words for words, _ in choices),
        replies=tuple(reply for _, reply in choices),
        right=(choices.index(right),),
    )


def _first_number(words: str) -> float:
    digits = words.replace(",", "").split()[0]
    return float(digits) if digits.replace(".", "", 1).isdigit() else 0.0


def _images(network: Network, image: "_TestImage | None") -> Part | None:
    channels, height, width = network.input_shape
    numbers = channels * height * width
    count = question(
        f"Your network sees images of {height} {TIMES} {width} pixels, {_colour(channels)}. How many numbers is one?",
        (f"{numbers:,}", f"{height} · {width} · {channels}."),
        (f"{height * width:,}", "That counts the pixels. Each has three numbers: red, green and blue."),
        (f"{height * width * 3:,}", "Your images are grey: one number a pixel."),
        (f"{height + width:,}", "Every row has a pixel for every column: the sides multiply."),
    )
    if image is None:
        return _part(f"Your network sees {_colour(channels)} of {height} {TIMES} {width} pixels.", None, count)
    figure = {"kind": "pixels", "label": image.label, "grey": image.grey.tolist(), "whole": image.whole}
    cut = "" if image.whole else f" Below are the {SIDE} {TIMES} {SIDE} in its middle."
    words = (
        f"A test image of yours, '{image.label}', as an array: shape {image.shape}, uint8, from {image.low} to "
        f"{image.high}, on average {image.mean:.0f}.{cut}"
    )
    return _part(words, figure, count)


def _flatten(network: Network) -> Part:
    channels, height, width = network.input_shape
    inputs = channels * height * width
    return _part(
        f"One of your images has {inputs:,} numbers.",
        None,
        question(
            "A dense layer with 128 outputs on your flattened images: how many parameters, with biases?",
            (f"{128 * inputs + 128:,}", f"{inputs:,} · 128 weights, and 128 biases."),
            (f"{128 * inputs:,}", "These are the weights. Each of the 128 outputs has a bias, too."),
            (f"{inputs + 128:,}", "Every output has a weight for every input: they multiply."),
        ),
    )


def _convolution(network: Network) -> Part | None:
    name, layer = _first_convolution(network)
    if layer is None:
        return None
    filters, depth, high, wide = layer.weight.shape
    biases = 0 if layer.bias is None else filters
    right = filters * depth * high * wide + biases
    values = kernels(network, name)[:KERNELS, :3]
    portion = f"{len(values)} of its {filters}" if len(values) < filters else f"its {filters}"
    figure = {"kind": "kernels", "values": values.round(5).tolist(), "reach": float(np.abs(values).max())}
    with_bias = "with biases" if biases else "without biases"
    return _part(
        f"The first convolution of your network, {name}: {portion} filters of {high} {TIMES} {wide}"
        f"{f', {depth} channels deep' if depth > 1 else ''}.",
        figure,
        question(
            f"{name} has {filters} filters of {high} {TIMES} {wide} on {_channels(depth)}, {with_bias}: how many "
            "parameters?",
            (f"{right:,}", f"{filters} · {high} · {wide} · {depth}{f' + {filters}' if biases else ''}."),
            (f"{filters * high * wide + biases:,}", f"Each filter is as deep as its input: {_channels(depth)}."),
            (
                f"{right - biases if biases else right + filters:,}",
                f"Each of the {filters} filters has a bias as well." if biases else "This layer has no biases.",
            ),
            (f"{high * wide * depth:,}", f"That is one filter; there are {filters}."),
        ),
    )


def _padding(network: Network, rows: Summary) -> Part | None:
    name, layer = _first_convolution(network)
    if layer is None or isinstance(layer.padding, str):
        return None
    before = network.input_shape[1]
    kernel, stride, padding, dilation = layer.kernel_size[0], layer.stride[0], layer.padding[0], layer.dilation[0]
    after = next(row.output_shape[1] for row in rows.rows if row.name == name)
    if dilation != 1 or output_size(before, kernel, stride, padding) != after:
        return None  # something before it has changed the size
    return _part(
        f"{name}, the first convolution of your network: kernel {kernel}, stride {stride}, padding {padding}.",
        None,
        question(
            f"It gets {before} pixels each way. How large are its maps?",
            (f"{after}", f"⌊({before} + 2 · {padding} {MINUS} {kernel}) / {stride}⌋ + 1."),
            (f"{before}", f"Only a padding of (kernel {MINUS} 1) / 2 and a stride of 1 keep the size."),
            (
                f"{output_size(before, kernel, stride, 0)}" if before >= kernel else "0",
                f"That is without padding; here {padding} pixels are added on either side.",
            ),
            (
                f"{output_size(before, kernel, 1, padding)}",
                f"That is with a stride of 1; this window moves by {stride}.",
            ),
            (f"{after + 1}", "One too many: the window's last place is where its far edge meets the border."),
            (f"{max(1, after - 1)}", "One too few: the first place counts, too."),
        ),
    )


def _depth(network: Network, rows: Summary) -> Part | None:
    """Receptive fields and where the parameters are."""
    names = {name for name, _ in _convolutions(network)}
    convolutions = [row for row in rows.rows if row.name in names and row.receptive_field is not None]
    if len(convolutions) < 2:
        return None
    first, last = convolutions[0], convolutions[-1]
    most = max(rows.rows, key=lambda row: row.parameters)
    figure = {
        "kind": "fields",
        "image": network.input_shape[1],
        "rows": [[row.name, row.receptive_field, list(row.output_shape)] for row in convolutions],
    }
    return _part(
        f"Your network has {rows.parameters:,} parameters; {most.name} alone has {most.parameters:,}. Below, what one "
        "value of each convolution sees.",
        figure,
        question(
            f"How many pixels each way does one value of {last.name}, the last convolution, depend on?",
            (
                f"{last.receptive_field}",
                f"Every layer adds (kernel {MINUS} 1) times the stride of all layers before it.",
            ),
            (f"{first.receptive_field}", f"That is what {first.name}, the first convolution, sees."),
            (
                f"{1 + sum(_reach(network, row.name) for row in convolutions)}",
                "That adds kernels as if no layer before had moved by more than one pixel, or pooled.",
            ),
        ),
    )


def _reach(network: Network, name: str) -> int:
    layer = network.get_submodule(name)
    assert isinstance(layer, nn.Conv2d)
    return layer.kernel_size[0] - 1


def _training(history: list[dict[str, Any]]) -> Part | None:
    scored = [record for record in history if record.get("val_accuracy") is not None]
    if len(scored) < 3:
        return None
    best = max(scored, key=lambda record: record["val_accuracy"])
    calmest = min(scored, key=lambda record: record["val_loss"])
    last, first = scored[-1], scored[0]
    names = ("epoch", "train_loss", "val_loss", "val_accuracy")
    figure = {"kind": "curves", "records": [{name: record[name] for name in names} for record in scored]}
    return _part(
        f"Your training, {len(scored)} epochs: from {100 * first['val_accuracy']:.1f} % to "
        f"{100 * last['val_accuracy']:.1f} % of the validation images.",
        figure,
        question(
            "Early stopping keeps the weights of the epoch with the best validation accuracy. Which was it here?",
            (f"{best['epoch']}", f"{100 * best['val_accuracy']:.2f} % of the validation images."),
            (f"{last['epoch']}", f"The last one had {100 * last['val_accuracy']:.2f} %, an earlier one had more."),
            (f"{calmest['epoch']}", "There the validation loss was lowest; most images were right in another epoch."),
            (f"{first['epoch']}", "The first one had seen every image just once."),
        ),
    )


def _judging(workspace: Workspace) -> Part | None:
    try:
        test = workspace.run.test
    except SightlineError:
        return None
    correct, total = test["correct"], test["total"]
    low, high = wilson_interval(correct, total)
    classes = [test_class["name"] for test_class in test.get("classes", [])] or list(workspace.classifier.classes)
    matrix = test.get("confusion")
    figure = {"kind": "confusion", "classes": classes, "matrix": matrix} if matrix and len(classes) <= 20 else None
    accuracy = 100 * correct / total
    return _part(
        f"Your network recognised {correct:,} of {total:,} test images.",
        figure,
        question(
            f"{correct:,} of {total:,} are {accuracy:.2f} %. What would you promise for more images of the same kind?",
            (
                f"{100 * low:.2f} to {100 * high:.2f} %",
                f"Wilson's interval: of 100 such statements about 95 hold. More than {total:,} images would narrow it.",
            ),
            (f"{accuracy:.2f} % exactly", "Another draw of test images would have given another figure."),
            (
                f"{max(0.0, accuracy - 0.01):.2f} to {min(100.0, accuracy + 0.01):.2f} %",
                f"{total:,} images cannot tell a hundredth of a per cent: one image is {100 / total:.2f} %.",
            ),
        ),
    )


class _TestImage:
    """A test image whose numbers are shown: all of it, or the middle of it, in grey."""

    def __init__(self, pixels: np.ndarray[Any, np.dtype[np.uint8]], label: str) -> None:
        from sightline.pixels.color import rgb_to_gray

        self.shape, self.label = pixels.shape, label
        self.low, self.high, self.mean = int(pixels.min()), int(pixels.max()), float(pixels.mean())
        grey = pixels[..., 0] if pixels.shape[2] == 1 else rgb_to_gray(pixels)
        height, width = grey.shape
        top, left = max(0, (height - SIDE) // 2), max(0, (width - SIDE) // 2)
        self.grey = grey[top : top + SIDE, left : left + SIDE]
        self.whole = max(height, width) <= SIDE


def _test_image(workspace: Workspace) -> _TestImage | None:
    """The first test image; None when the run has none, or it cannot be read any more."""
    try:
        test: ImageSet | None = load_recorded_test(
            workspace.run.config["data"], read_manifest(workspace.run.split_path)
        )
        if test is None:
            return None
        return _TestImage(test.images.read(0), test.classes[int(test.labels[0])])
    except SightlineError:
        return None


def _first_convolution(network: Network) -> tuple[str, nn.Conv2d | None]:
    """By name; the stem comes first in every network of ours and of timm's."""
    return next(_convolutions(network), ("", None))


def _convolutions(network: Network) -> Iterator[tuple[str, nn.Conv2d]]:
    for name, module in network.named_modules():
        if isinstance(module, nn.Conv2d):
            yield name, module


def _colour(channels: int) -> str:
    return "in grey" if channels == 1 else "in colour"


def _channels(count: int) -> str:
    return "1 channel" if count == 1 else f"{count} channels"
