"""Who presses a cell of the confusion matrix sees images of that cell."""

import numpy as np
import torch

from sightline.data.imageset import ArrayImages, ImageSet
from sightline.evaluation.evaluate import Evaluation, score
from sightline.reporting import cells
from sightline.reporting.cells import cell_galleries
from sightline.reporting.sprites import SpriteSheet

NAMES = ("cat", "dog", "fox")


def evaluated(labels: list[int], predicted: list[int], sure: list[float], names: tuple[str, ...] = NAMES) -> Evaluation:
    probabilities = np.full((len(labels), len(names)), 0.0, dtype=np.float32)
    probabilities += ((1 - np.array(sure)) / (len(names) - 1))[:, None].astype(np.float32)
    probabilities[np.arange(len(labels)), predicted] = sure
    return score(probabilities, np.array(labels), names, ids=tuple(f"{i}.png" for i in range(len(labels))))


def sheet(count: int) -> SpriteSheet:
    pixels = torch.zeros(count, 1, 4, 4, dtype=torch.uint8)
    return SpriteSheet(ImageSet(ArrayImages(pixels), torch.zeros(count, dtype=torch.int64), NAMES, ("",) * count))


def test_commonest_first_then_the_diagonal() -> None:
    evaluation = evaluated([0, 0, 0, 1, 2, 2], [1, 1, 2, 1, 2, 2], [0.6, 0.9, 0.7, 0.8, 0.9, 0.5])
    galleries = cell_galleries(evaluation, sheet(6))
    assert [cell.words for cell in galleries] == [
        "2 images of cat taken for dog",
        "1 image of cat taken for fox",
        "1 image of dog recognised; these least surely",
        "2 images of fox recognised; these least surely",
    ]
    assert [(cell.row, cell.column, cell.more) for cell in galleries] == [(0, 1, 0), (0, 2, 0), (1, 1, 0), (2, 2, 0)]
    assert [image.id for image in galleries[0].images] == ["1.png", "0.png"]  # the surest mistake first
    assert [image.id for image in galleries[3].images] == ["5.png", "4.png"]  # the least sure first
    assert galleries[0].images[0].probability == "90.0 %"


def test_the_page_holds_only_so_many() -> None:
    count = 5000
    names = tuple(f"class {i}" for i in range(100))
    labels = [i % 100 for i in range(count)]
    predicted = [(i + 1 + i // 100) % 100 for i in range(count)]
    galleries = cell_galleries(evaluated(labels, predicted, [0.9] * count, names), sheet(count))
    assert sum(len(cell.images) for cell in galleries) == cells.MOST_IMAGES
    assert all(cell.row != cell.column for cell in galleries)  # with so many classes the matrix is a picture


def test_more_than_are_shown_are_counted() -> None:
    galleries = cell_galleries(evaluated([0] * 30, [1] * 30, [0.9] * 30), sheet(30))
    assert (len(galleries[0].images), galleries[0].more) == (cells.OF_A_CELL, 18)
