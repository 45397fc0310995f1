"""Classes take turns, however many images each has."""

import torch
from torch import Generator

from sightline.data.class_turns import in_class_turns

LABELS = torch.tensor([2, 2, 0, 2, 1, 0])


def test_classes_take_turns() -> None:
    assert in_class_turns(LABELS).tolist() == [2, 4, 0, 5, 1, 3]
    assert in_class_turns(LABELS, by_class=False).tolist() == [0, 2, 4, 1, 5, 3]
    assert in_class_turns(LABELS[:0]).tolist() == []
    assert in_class_turns(torch.tensor([5])).tolist() == [0]  # classes without images have no turn


def test_drawn_images_take_turns_too() -> None:
    labels = torch.randint(0, 7, (200,), generator=Generator().manual_seed(0))
    order = torch.randperm(200, generator=Generator().manual_seed(3)).tolist()
    counts: dict[int, int] = {}
    ranked = []
    for place, index in enumerate(order):
        label = int(labels[index])
        counts[label] = counts.get(label, 0) + 1
        ranked.append((counts[label], label, place, index))
    by_class = in_class_turns(labels, Generator().manual_seed(3))
    assert by_class.tolist() == [index for *_, index in sorted(ranked)]
    drawn = in_class_turns(labels, Generator().manual_seed(3), by_class=False)
    assert drawn.tolist() == [index for *_, index in sorted(ranked, key=lambda place: (place[0], place[2]))]
