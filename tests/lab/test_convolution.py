"""shared/convolution.js gives what `sightline.pixels.textbook` gives, and takes and refuses what PyTorch does."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from sightline.errors import InputError
from sightline.pixels import textbook

from .conftest import in_node

CASES = 1000

# Of [{"call", "image", ...}] the results, or null where ShapeError was thrown.
SCRIPT = """
import * as c from "file://{static}/shared/convolution.js";
const calls = {
  convolve: (x) => c.convolve2d(x.image, x.kernel, x),
  max: (x) => c.maxPool2d(x.image, x.size, x),
  average: (x) => c.averagePool2d(x.image, x.size, x),
  steps: (x) => {
    const plan = c.plan(x.image.length, x.image[0].length, [x.kernel.length, x.kernel[0].length], x);
    return c.range(plan.rows.outputs).flatMap((r) =>
      c.range(plan.columns.outputs).map((k) => c.step(x.image, x.kernel, plan, r, k)));
  },
  links: (x) => {
    const plan = c.plan(x.image.length, x.image[0].length, [x.kernel.length, x.kernel[0].length], x);
    return x.image.map((row, r) => row.map((_, k) =>
      c.outputsOf(plan, r, k).map(({ output, place }) => [...output, ...place])));
  },
};
const answers = given.map((x) => {
  try { return calls[x.call](x); } catch (error) { if (error instanceof c.ShapeError) return null; throw error; }
});
"""


def convolved(cases: list[dict[str, Any]]) -> list[Any]:
    """What convolution.js makes of the cases."""
    return in_node(SCRIPT, cases)


def random_case(random: np.random.Generator, call: str) -> dict[str, Any]:
    """A small image and window; one in eight does not fit."""
    height, width = random.integers(1, 17, size=2)
    whole = random.random() < 0.5
    draw = (lambda shape: random.integers(-9, 10, shape)) if whole else random.standard_normal
    padding: int | str = random.choice(["valid", "same"]) if random.random() < 0.4 else int(random.integers(0, 4))
    case: dict[str, Any] = {
        "call": call,
        "image": draw((height, width)).tolist(),
        "stride": int(random.integers(1, 5)),
        "padding": padding,
    }
    if call in ("max", "average"):
        return {**case, "size": int(random.integers(1, 8))}
    rows, columns = random.integers(1, 8, size=2)
    return {**case, "kernel": draw((rows, columns)).tolist()}


def expected(case: dict[str, Any]) -> Any:
    """The same from textbook.py; None where it refuses."""
    image, moves = np.array(case["image"]), (case["stride"], case["padding"])
    try:
        if case["call"] == "convolve":
            return textbook.convolve2d(image, np.array(case["kernel"]), *moves)
        if case["call"] == "max":
            return textbook.max_pool2d(image, case["size"], *moves)
        if case["call"] == "average":
            return textbook.avg_pool2d(image, case["size"], *moves)
        return list(textbook.convolution_steps(image, np.array(case["kernel"]), *moves))
    except InputError:
        return None


def assert_same(answer: Any, wanted: Any) -> None:
    if wanted is None or answer is None:
        assert answer is None
        assert wanted is None
    else:
        np.testing.assert_allclose(np.array(answer), wanted, rtol=1e-12, atol=1e-12)


def test_a_thousand_random_cases_equal_the_textbook() -> None:
    random = np.random.default_rng(0)
    calls = ("convolve", "convolve", "max", "average")
    cases = [random_case(random, calls[i % 4]) for i in range(CASES)]
    wanted = [expected(case) for case in cases]
    refused = sum(w is None for w in wanted)
    assert 50 < refused < CASES / 3, "the cases should mostly fit, and not always"
    for answer, want in zip(convolved(cases), wanted, strict=True):
        assert_same(answer, want)


def test_steps_equal_the_textbook() -> None:
    random = np.random.default_rng(1)
    cases = [case for case in (random_case(random, "steps") for _ in range(60)) if expected(case) is not None]
    assert len(cases) > 30
    for case, steps in zip(cases, convolved(cases), strict=True):
        for ours, theirs in zip(steps, expected(case), strict=True):
            np.testing.assert_array_equal(np.array(ours["patch"]), theirs.patch)
            np.testing.assert_allclose(np.array(ours["products"]), theirs.products, rtol=1e-12)
            assert ours["sum"] == pytest.approx(theirs.sum, rel=1e-12, abs=1e-12)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
def test_it_takes_and_refuses_what_pytorch_does() -> None:
    """Dilation included. torch knows "same" for stride 1 only."""
    random = np.random.default_rng(2)
    cases = []
    for _ in range(300):
        case = {**random_case(random, "convolve"), "dilation": int(random.integers(1, 4))}
        if case["padding"] == "same":
            case["stride"] = 1
        cases.append(case)
    refused = 0
    for case, answer in zip(cases, convolved(cases), strict=True):
        image, kernel = (torch.tensor(case[key], dtype=torch.float64)[None, None] for key in ("image", "kernel"))
        try:
            moves = {key: case[key] for key in ("stride", "padding", "dilation")}
            wanted = F.conv2d(image, kernel, **moves)[0, 0].numpy()
        except RuntimeError:
            wanted = None
            refused += 1
        assert_same(answer, wanted)
    assert 10 < refused < 200


def test_a_pixel_knows_the_windows_it_is_in() -> None:
    """Each link says which weight meets the pixel in which output: putting weights there gives the convolution."""
    random = np.random.default_rng(3)
    cases = [{**random_case(random, "links"), "dilation": 1 + i % 3} for i in range(60)]
    whole = convolved([{**case, "call": "convolve"} for case in cases])
    for case, links, output in zip(cases, convolved(cases), whole, strict=True):
        assert (links is None) == (output is None)
        if links is None:
            continue
        total = np.zeros(np.array(output).shape)
        for row, line in enumerate(links):
            for column, reached in enumerate(line):
                for out_row, out_column, place_row, place_column in reached:
                    total[out_row, out_column] += case["image"][row][column] * case["kernel"][place_row][place_column]
        np.testing.assert_allclose(total, output, atol=1e-9)
