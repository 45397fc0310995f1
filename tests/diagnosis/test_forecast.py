"""What more images would bring: on data whose truth is known, because there is as much of it as one likes."""

import numpy as np
import pytest
import torch
from torch import Tensor

from sightline.diagnosis.forecast import Forecast, forecast
from sightline.errors import DataError
from sightline.training.head import fit_head

CLASSES = ("far", "near", "rare")
WIDTH = 60


def sample(counts: tuple[int, int, int], seed: int) -> tuple[Tensor, Tensor]:
    """Three clouds of points: `far` lies apart from all, `near` and `rare` differ in one of 60 features."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(3), counts)
    centres = np.zeros((3, WIDTH))
    centres[0, 0], centres[1, 1], centres[2, 1] = 12, 1.2, -1.2
    return torch.from_numpy(rng.normal(centres[labels], 1)).float(), torch.from_numpy(labels)


@pytest.fixture(scope="module")
def result() -> Forecast:
    return forecast(*sample((200, 200, 40), 0), CLASSES, held_out=sample((300, 300, 300), 1))


def test_the_class_that_needs_images_is_named(result: Forecast) -> None:
    by_name = {one.name: one for one in result.classes}
    assert result.classes[0].name == "rare"
    assert by_name["rare"].is_measurable
    assert not by_name["far"].is_measurable
    assert by_name["far"].recall_now > 0.99
    assert (by_name["rare"].images_now, by_name["rare"].more_images) == (40, 50)
    assert (by_name["near"].images_now, by_name["near"].more_images) == (200, 100)
    assert by_name["rare"].sentence.startswith("50 more images of 'rare' are worth about ")
    assert by_name["far"].sentence == "100 more images of 'far' are worth nothing that can be measured."


def test_sentence(result: Forecast) -> None:
    assert result.gain.low > 0
    assert result.overall.startswith("220 more images like these, 660 in all, are worth about ")
    assert result.sentence.startswith(f"{result.overall}. 50 more images of ")
    assert "50 more images of 'rare' are worth about" in result.sentence
    assert result.sentence.endswith("; of 'far' nothing that can be measured.")


def test_points_rise(result: Forecast) -> None:
    images, accuracies = zip(*result.points, strict=True)
    assert images == (88, 176, 352)  # a quarter, a half and all of four fifths of 440
    assert accuracies[0].value < accuracies[2].value
    assert all(point.low < point.value < point.high for point in accuracies)


def accuracy_of(counts: tuple[int, int, int], seed: int) -> float:
    """What a head reaches with so many images, measured on a great many others."""
    head = fit_head(*sample(counts, seed), 3)
    features, labels = sample((4_000, 4_000, 4_000), 99)
    return float(((features @ head.weights["weight"].T + head.weights["bias"]).argmax(1) == labels).float().mean())


def test_twice_as_many_images_bring_what_was_forecast() -> None:
    counts, twice = (30, 30, 30), (60, 60, 60)
    truth = np.mean([accuracy_of(twice, seed) for seed in range(10, 16)])
    before = np.mean([accuracy_of(counts, seed) for seed in range(10, 16)])
    assert truth - before > 0.015  # there is something to be forecast
    forecasts = [
        forecast(*sample(counts, seed), CLASSES, held_out=sample((200,) * 3, 50), growth=1.0) for seed in range(6)
    ]
    assert sum(one.accuracy.low <= truth <= one.accuracy.high for one in forecasts) >= 5
    assert sum(one.gain.low <= truth - before <= one.gain.high for one in forecasts) >= 5
    assert np.mean([one.accuracy.value for one in forecasts]) == pytest.approx(truth, abs=0.015)
    assert all(one.more_images == 90 for one in forecasts)


def test_without_held_out_images_those_left_out_in_turn_answer() -> None:
    result = forecast(*sample((200, 200, 40), 0), CLASSES)
    assert result.classes[0].name == "rare"
    assert result.points[-1][0] == 352


def test_a_network_that_has_learnt_the_images_is_judged_by_others_alone() -> None:
    features, labels = sample((100, 100, 100), 0)
    features[:, 0] += 100 * labels  # it knows them by heart
    held_out = sample((200, 200, 200), 1)
    flattered = forecast(features, labels, CLASSES)
    honest = forecast(features, labels, CLASSES, held_out=held_out, learnt=True)
    assert flattered.points[-1][1].value == 1
    assert honest.points[-1][1].value < 0.9


def test_the_same_seed_the_same_forecast_and_no_trace_in_torch(result: Forecast) -> None:
    before = torch.get_rng_state()
    again = forecast(*sample((200, 200, 40), 0), CLASSES, held_out=sample((300, 300, 300), 1))
    assert again.to_json() == result.to_json()
    assert torch.equal(torch.get_rng_state(), before)


def test_large_sets_are_sampled_and_wide_features_reduced() -> None:
    features, labels = sample((3_000, 3_000, 500), 0)
    wide = torch.cat([features, 0.01 * torch.randn(len(features), 300, generator=torch.Generator().manual_seed(0))], 1)
    result = forecast(wide, labels, CLASSES, l2=0.001)
    assert result.images_now == 6_500
    assert result.points[-1][0] == 4_000  # four fifths of 5,000
    assert {one.name: one.images_now for one in result.classes}["rare"] == 500
    assert result.accuracy.value > 0.85


def test_many_classes_are_forecast_together() -> None:
    rng = np.random.default_rng(0)
    labels = torch.arange(30).repeat_interleave(20)
    features = torch.eye(30)[labels] * 3 + torch.from_numpy(rng.normal(size=(600, 30))).float()
    result = forecast(features, labels, [str(i) for i in range(30)], l2=0.01)
    assert result.classes == ()
    assert result.sentence == "1,500 more images like these, 2,100 in all, are worth about 8 points (3 to 15)."


def test_more_of_what_is_recognised_already_is_worth_nothing() -> None:
    labels = torch.arange(2).repeat_interleave(60)
    result = forecast(torch.eye(2)[labels] * 3, labels, ["a", "b"], l2=0.01)
    assert result.sentence.startswith("100 more images like these, 220 in all, are worth nothing that can be measured.")


def test_an_empty_class_is_left_out() -> None:
    features, labels = sample((60, 60, 0), 0)
    result = forecast(features, labels, CLASSES, l2=0.01)
    assert {one.name for one in result.classes} == {"far", "near"}


def test_what_cannot_be_forecast() -> None:
    features, labels = sample((60, 0, 0), 0)
    with pytest.raises(DataError, match="every image is of class 'far': a forecast needs images of two classes"):
        forecast(features, labels, CLASSES)
    with pytest.raises(DataError, match="there is no image"):
        forecast(features[:0], labels[:0], CLASSES)
    with pytest.raises(DataError, match="no class has more than 5 images: a forecast needs 8 or more"):
        forecast(*sample((5, 5, 5), 0), CLASSES)
    with pytest.raises(DataError, match="the network has learnt from all of these images: give images held out"):
        forecast(*sample((60, 60, 60), 0), CLASSES, learnt=True)


def test_a_sample_is_told_how_many_there_are() -> None:
    result = forecast(*sample((40, 40, 40), 0), CLASSES, counts=(4_000, 400, 40))
    assert result.images_now == 4_440
    assert {one.name: one.images_now for one in result.classes} == dict(zip(CLASSES, (4_000, 400, 40), strict=True))
    assert {one.name: one.more_images for one in result.classes}[CLASSES[0]] == 2_000


def test_a_class_that_is_one_group_is_not_forecast_alone() -> None:
    features, labels = sample((60, 60, 60), 0)
    groups = tuple("one" if label == 2 else "" for label in labels.tolist())
    result = forecast(features, labels, CLASSES, groups=groups)
    assert CLASSES[2] not in {one.name for one in result.classes}
    assert all(np.isfinite(one.gain.value) for one in result.classes)
