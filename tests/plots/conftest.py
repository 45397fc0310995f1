"""What tests of figures share: reading a figure back, and answers to be scored."""

from collections.abc import Callable

import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from sightline.evaluation.evaluate import Evaluation, score

Texts = Callable[[Figure], list[str]]


@pytest.fixture
def texts() -> Texts:
    """Every text that a figure draws, once it has been laid out."""

    def read(figure: Figure) -> list[str]:
        figure.draw_without_rendering()
        drawn = figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_visible())
        return [artist.get_text() for artist in drawn if artist.get_text()]

    return read


@pytest.fixture
def answers() -> Callable[..., Evaluation]:
    """An Evaluation of these labels and predicted classes: answers([0, 1], [0, 0], classes=("cat", "dog"))."""

    def make(labels: list[int], predicted: list[int], classes: tuple[str, ...]) -> Evaluation:
        rest = 0.1 / max(1, len(classes) - 1)
        probabilities = np.full((len(labels), len(classes)), rest, dtype=np.float32)
        probabilities[np.arange(len(labels)), predicted] = 0.9 if len(classes) > 1 else 1.0
        ids = tuple(f"image/{number}" for number in range(len(labels)))
        return score(probabilities, np.array(labels), classes, ids=ids)

    return make
