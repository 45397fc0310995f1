"""Heads that learn from parts of the images: which images, how they are weighed, and what the shares come to."""

import dataclasses

import numpy as np
import pytest
import torch
from torch import Generator, Tensor

from sightline.diagnosis import learning_curves
from sightline.diagnosis.learning_curves import (
    MOST_FEATURES,
    PARTS,
    REPLICATES,
    LearningCurve,
    Study,
    alone,
    in_every_part,
    principal,
    together,
)

FOLDS = torch.tensor([[True, False] * 12, [False, True] * 12])  # each leaves every second image out


def study(*, learnt: bool = False, gap: float = 6.0, others: int = 4) -> Study:
    """Two clouds of points on a line, `gap` apart, 16 images of the first class and 8 of the second; some held out."""
    labels = torch.tensor([0, 0, 0, 0, 1, 1] * 4)
    generator = Generator().manual_seed(0)
    points = torch.randn(len(labels) + others, 2, generator=generator)
    truth = torch.cat([labels, torch.arange(others) % 2])
    points[:, 0] += gap * (truth - 0.5)
    return Study(
        inputs=points[: len(labels)],
        labels=labels,
        others=points[len(labels) :],
        other_labels=truth[len(labels) :],
        folds=FOLDS,
        learnt=learnt,
        num_classes=2,
        l2=1e-3,
        generator=generator,
    )


def members(case: Study) -> Tensor:
    return (~case.folds).float()


def test_who_is_answered() -> None:
    case = study()
    assert [case.answers(name) for name in (0, 1)] == [16 + 2, 8 + 2]
    learnt = study(learnt=True)  # a network flatters itself on its own images
    assert [learnt.answers(name) for name in (0, 1)] == [2, 2]
    never = dataclasses.replace(case, folds=torch.zeros_like(FOLDS))  # an image that no fold leaves out
    assert never.answers(0) == 2


def test_places_are_even_within_each_class_and_each_fold() -> None:
    case = study()
    places = case.order()
    assert places.shape == (2, 24)
    for fold, row in zip(case.folds, places, strict=True):
        assert (row[fold] == 1).all()  # left out, and so in no part
        for name, count in ((0, 8), (1, 4)):
            own = row[~fold & (case.labels == name)]
            assert sorted(own.tolist()) == pytest.approx([place / count for place in range(count)])
    assert not torch.equal(places, case.order())  # drawn anew


def test_a_head_answers_what_its_fold_leaves_out_and_what_was_held_out() -> None:
    case = study(gap=60)
    right = case.right(members(case), case.l2)
    assert right.shape == (2, 28)
    assert torch.equal(right[:, :24].isnan(), ~case.folds)
    assert (right[:, 24:] == 1).all()
    assert (right[:, :24][case.folds] == 1).all()
    learnt = study(gap=60, learnt=True)
    right = learnt.right(members(learnt), learnt.l2)
    assert right[:, :24].isnan().all()
    assert (right[:, 24:] == 1).all()


def test_parts_of_all_classes_together() -> None:
    case = study()
    everything = case.right(members(case), case.l2)
    curve = together(case, case.order(), members(case), everything)
    assert PARTS == (0.25, 0.5, 1.0)
    assert curve.images.tolist() == [2 + 1, 4 + 2, 8 + 4]  # of each fold's 8 and 4
    assert curve.right.shape == (3, 2, 28)
    np.testing.assert_array_equal(curve.right[2], everything.numpy())


def test_one_class_alone_has_fewer_images_that_weigh_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    case = study()
    everything = case.right(members(case), case.l2)
    calls: list[Tensor] = []
    answer = Study.right

    def noted(self: Study, weights: Tensor, l2: float) -> Tensor:
        calls.append(weights)
        return answer(self, weights, l2)

    monkeypatch.setattr(Study, "right", noted)
    places = case.order()
    first, second = alone(case, places, members(case), everything, [0, 1])
    assert first.images.tolist() == [2, 4, 8]
    assert second.images.tolist() == [1, 2, 4]
    assert first.right.shape == (3, 2, 16 + 2)  # the images of the class alone
    assert second.right.shape == (3, 2, 8 + 2)
    [weights] = calls  # all heads at once
    weights = weights.view(2, 2, 2, 24)  # class, part, fold, image
    for name in (0, 1):
        own = case.labels == name
        whole = members(case)[:, own].sum(1)
        assert torch.allclose(weights[name][:, :, own].sum(2), whole.expand(2, 2))
        assert torch.equal(weights[name][:, :, ~own], members(case)[:, ~own].expand(2, -1, -1))
        used = weights[name][0, :, own] > 0  # the smallest part
        assert torch.equal(used, (places[:, own] < 0.25) & (members(case)[:, own] > 0))
    assert alone(case, places, members(case), everything, []) == []


def test_a_class_with_no_image_in_the_smallest_part_cannot_be_weighed() -> None:
    case = study()
    places = case.order()
    assert in_every_part(case, places, members(case), 0)
    assert in_every_part(case, places, members(case), 1)
    none = members(case)
    none[1, case.labels == 1] = 0  # in one fold
    assert in_every_part(case, places, none, 0)
    assert not in_every_part(case, places, none, 1)


def test_shares_as_measured_come_first() -> None:
    nan = np.nan
    right = np.array([[[1, 0, nan, nan], [nan, nan, 1, 1]], [[1, 1, nan, nan], [nan, nan, 1, 1]]], dtype=float)
    right = right.repeat(50, axis=2)
    means = LearningCurve(images=np.array([10.0, 20.0]), right=right).means(np.random.default_rng(0))
    assert means.shape == (1 + REPLICATES, 2)
    assert means[0].tolist() == [0.75, 1.0]
    assert (means >= 0).all()
    assert (means[:, 0] <= means[:, 1]).all()  # the same draws for every part
    assert abs(means[1:, 0].mean() - 0.75) < 0.02
    again = LearningCurve(images=np.array([10.0, 20.0]), right=right).means(np.random.default_rng(0))
    np.testing.assert_array_equal(again, means)


@pytest.mark.parametrize("folds", [2, 5, 10])
def test_fewer_folds_are_drawn_as_they_share_their_images(folds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nadeau and Bengio: the variance of a mean over F folds is 1 / F + 1 / 4 of a fold's instead of 1 / F."""
    monkeypatch.setattr(learning_curves, "REPLICATES", 20_000)
    count = 2_000 * folds  # so many images that drawing them adds next to nothing
    right = np.full((1, folds, count), np.nan)
    for fold in range(folds):
        right[0, fold, fold * 2_000 : (fold + 1) * 2_000] = fold % 2
    means = LearningCurve(images=np.array([1.0]), right=right[:, :, ::100]).means(np.random.default_rng(0))
    drawn = round(1 / (1 / folds + 1 / 4))
    of_images = 1 / (count / 100)
    shares = np.arange(folds) % 2
    assert means[1:].var() == pytest.approx(shares.var() * (1 / drawn + of_images), rel=0.15)


def test_few_features_are_only_scaled() -> None:
    rows = torch.tensor([[0.0, 10.0], [2.0, 30.0], [4.0, 50.0]])
    first, second = principal([rows, rows[:1]], Generator())
    torch.testing.assert_close(first.mean(0), torch.zeros(2), atol=1e-6, rtol=0)
    assert torch.equal(second, first[:1])  # by the scale of the first part


def test_many_features_are_turned_to_their_principal_components() -> None:
    generator = Generator().manual_seed(0)
    strong = torch.randn(400, 8, generator=generator) * torch.arange(30.0, 22.0, -1)
    mixing = torch.linalg.qr(torch.randn(500, 500, generator=generator)).Q
    rows = torch.cat([strong, 0.01 * torch.randn(400, 492, generator=generator)], dim=1) @ mixing
    first, second = principal([rows, rows[:5]], generator)
    assert first.shape == (400, MOST_FEATURES)
    torch.testing.assert_close(second, first[:5])
    mean, scale = learning_curves.centre_and_scale([rows])
    scaled = (rows - mean) / scale
    torch.testing.assert_close(first @ first.T, scaled @ scaled.T, rtol=1e-3, atol=0.5)  # of up to 2,000
