"""The loop learns, keeps what it promises to keep, and refuses what cannot work."""

import copy
import dataclasses
import math
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from sightline.config import AugmentConfig, ParameterGroup, TrainConfig
from sightline.data.images import EncodedImages
from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.data.originals import Files
from sightline.errors import ConfigError, RunError, TrainingError
from sightline.evaluation.intervals import wilson_interval
from sightline.models.contract import Network
from sightline.pixels.preprocess import Preprocess
from sightline.training.checkpoint import Checkpoints
from sightline.training.fit import Epoch, Outcome, fit
from sightline.training.stopping import Score
from sightline.training.validation import Validation

Tiny = Callable[..., Network]
Probe = Callable[[Network, ImageSet], Tensor]

SCALED = Preprocess(size=(12, 12), channels=1, mean=(0.0,), std=(1.0,))  # to [0, 1] and no further
PLAIN = TrainConfig(
    epochs=3,
    batch_size=32,
    groups=(ParameterGroup(lr=0.1, momentum=0.0),),
    schedule="constant",
    precision="fp32",
    keep_best=False,
)
ADAM = dataclasses.replace(PLAIN, groups=(ParameterGroup(optimizer="adamw", lr=0.02),), schedule="linear")


def weights(network: Network) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def same(first: dict[str, Tensor], second: dict[str, Tensor]) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def distance(first: dict[str, Tensor], second: dict[str, Tensor]) -> float:
    return math.sqrt(sum(float((first[name] - second[name]).square().sum()) for name in first))


def identical_images(labels: Tensor) -> Splits:
    """Images that tell nothing: all a network can learn is how often each class comes."""
    pixels = torch.full((len(labels), 1, 12, 12), 128, dtype=torch.uint8)
    ids = tuple(map(str, range(len(labels))))
    return Splits("identical", ImageSet(ArrayImages(pixels), labels, ("a", "b"), ids), None, None)


def script(monkeypatch: pytest.MonkeyPatch, accuracies: list[float]) -> None:
    """Let validation give these accuracies, one an epoch, at the same loss."""
    scores = iter(accuracies)
    monkeypatch.setattr(Validation, "score", lambda self, network: Score(next(scores), 1.0))


def test_the_images_are_closed_at_the_end(splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[int] = []
    monkeypatch.setattr(ArrayImages, "close", lambda self: closed.append(len(self)))
    training = fit(tiny(), splits, PLAIN, preprocess=SCALED)
    next(training)
    assert len(splits.train) not in closed
    training.close()
    assert len(splits.train) in closed


def test_it_returns_what_it_came_to(splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    script(monkeypatch, [0.9, 0.5, 0.8, 0.7])

    def all_of() -> Iterator[Epoch]:
        outcomes.append(
            (yield from fit(tiny(), splits, dataclasses.replace(PLAIN, start_competes=True, keep_best=True)))
        )

    outcomes: list[Outcome] = []
    assert [epoch.best_epoch for epoch in all_of()] == [0, 0, 0]
    assert outcomes == [Outcome(epochs=3, best_epoch=0)]


def test_learns(splits: Splits, tiny: Tiny, probe: Probe) -> None:
    network = tiny(batch_norm=True)
    epochs = list(fit(network, splits, dataclasses.replace(ADAM, epochs=5), preprocess=SCALED))
    assert epochs[-1].val_accuracy is not None
    assert epochs[-1].val_accuracy > 0.97
    assert epochs[-1].train_loss < 0.3 * epochs[0].train_loss
    assert splits.val is not None
    right = probe(network, splits.val).argmax(1) == splits.val.labels
    assert right.float().mean().item() == pytest.approx(epochs[-1].val_accuracy)


def test_records_of_the_epochs(splits: Splits, tiny: Tiny) -> None:
    config = dataclasses.replace(PLAIN, schedule="linear")
    epochs = list(fit(tiny(), splits, config))
    # 160 images in batches of 32: 5 steps an epoch, 15 in all; the last step before an epoch ends is step - 1.
    assert [(e.epoch, e.step) for e in epochs] == [(1, 5), (2, 10), (3, 15)]
    assert [e.progress for e in epochs] == pytest.approx([1 / 3, 2 / 3, 1])
    assert [e.lr for e in epochs] == pytest.approx([0.1 * (1 - (e.step - 1) / 15) for e in epochs])
    assert 0 < epochs[0].seconds < epochs[1].seconds < epochs[2].seconds
    for epoch in epochs:
        assert epoch.val_accuracy is not None
        assert epoch.val_interval == wilson_interval(round(epoch.val_accuracy * 80), 80)
        assert epoch.images_per_second >= 160 / epoch.seconds


def test_losses_are_means_over_the_images(splits: Splits, tiny: Tiny, probe: Probe) -> None:
    network = tiny()
    assert splits.val is not None
    expected = [F.nll_loss(probe(network, s), s.labels).item() for s in (splits.train, splits.val)]
    still = dataclasses.replace(PLAIN, epochs=1, groups=(ParameterGroup(lr=1e-30),))
    epoch = next(iter(fit(network, splits, still, preprocess=SCALED)))
    assert [epoch.train_loss, epoch.val_loss] == pytest.approx(expected, rel=1e-5)


def test_without_validation(splits: Splits, tiny: Tiny) -> None:
    config = dataclasses.replace(PLAIN, keep_best=True, patience=1, plateau_patience=1)
    epochs = list(fit(tiny(), dataclasses.replace(splits, val=None), config))
    assert [e.epoch for e in epochs] == [1, 2, 3]
    assert {(e.val_loss, e.val_accuracy, e.val_interval) for e in epochs} == {(None, None, None)}


def test_the_same_seed_gives_the_same_weights(splits: Splits, tiny: Tiny) -> None:
    config = dataclasses.replace(ADAM, augment=AugmentConfig(flip="random", shift=1))
    first, second, other = tiny(dropout=0.3), tiny(dropout=0.3), tiny(dropout=0.3)
    for network, seed in ((first, 5), (second, 5), (other, 6)):
        torch.rand(seed)  # whatever the caller has drawn
        list(fit(network, splits, dataclasses.replace(config, seed=seed)))
    assert same(weights(first), weights(second))
    assert not same(weights(first), weights(other))


def test_one_plain_step_is_gradient_descent(splits: Splits, tiny: Tiny) -> None:
    network, twin = tiny(), tiny()
    config = dataclasses.replace(PLAIN, epochs=1, batch_size=160, l2=0.01, label_smoothing=0.1)
    list(fit(network, splits, config, preprocess=SCALED))
    assert isinstance(splits.train.images, ArrayImages)
    logits = twin(splits.train.images.pixels.float() / 255)
    loss = F.cross_entropy(logits, splits.train.labels, label_smoothing=0.1)
    loss = loss + 0.01 * sum(p.square().sum() for p in twin.parameters() if p.ndim > 1)
    loss.backward()
    for parameter, before in zip(network.parameters(), twin.parameters(), strict=True):
        assert before.grad is not None
        torch.testing.assert_close(parameter.detach(), (before - 0.1 * before.grad).detach(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("parts", [2, 3, 32])
def test_accumulated_parts_equal_the_whole_batch(parts: int, splits: Splits, tiny: Tiny) -> None:
    labels = splits.train.labels.clone()
    labels[:60] = 0  # unbalanced, so that class weights weigh
    uneven = dataclasses.replace(splits, train=dataclasses.replace(splits.train, labels=labels))
    config = dataclasses.replace(PLAIN, epochs=1, class_weights="balanced", label_smoothing=0.1, l2=0.01)
    whole, accumulated = tiny(), tiny()
    start = weights(whole)
    [first] = fit(whole, uneven, config)
    [second] = fit(accumulated, uneven, dataclasses.replace(config, accumulate=parts))
    assert second.train_loss == pytest.approx(first.train_loss, rel=1e-4)
    assert distance(weights(whole), weights(accumulated)) < 1e-4 * distance(weights(whole), start)


def test_more_parts_than_images(tiny: Tiny) -> None:
    config = dataclasses.replace(PLAIN, epochs=1, accumulate=8)
    [epoch] = fit(tiny(), identical_images(torch.tensor([0, 1, 1])), config)
    assert math.isfinite(epoch.train_loss)


def test_clipping_limits_the_step(splits: Splits, tiny: Tiny) -> None:
    network = tiny()
    start = weights(network)
    config = dataclasses.replace(PLAIN, epochs=1, batch_size=160, clip_norm=1e-3)
    list(fit(network, splits, config))
    # One step of plain gradient descent: the weights move by lr times the gradient, whose norm is now 0.001.
    assert distance(weights(network), start) == pytest.approx(0.1 * 1e-3, rel=1e-2)


@pytest.mark.parametrize(("class_weights", "share"), [("none", 0.75), ("balanced", 0.5)])
def test_balanced_classes_count_alike(class_weights: str, share: float, tiny: Tiny, probe: Probe) -> None:
    splits = identical_images(torch.tensor([0] * 24 + [1] * 8))
    network = tiny()
    config = dataclasses.replace(ADAM, epochs=100, class_weights=class_weights)
    list(fit(network, splits, config, preprocess=SCALED))
    assert probe(network, splits.train).exp()[0, 0].item() == pytest.approx(share, abs=0.02)


def test_what_is_frozen_stays(splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    network = tiny(batch_norm=True, dropout=0.5)
    network.stages.requires_grad_(False)
    before = weights(network)
    modes: list[tuple[bool, bool]] = []
    norm = network.stages.get_submodule("norm")
    dropout = network.head.get_submodule("dropout")
    network.head.register_forward_pre_hook(lambda *_: modes.append((norm.training, dropout.training)))
    checkpoints = Checkpoints(tmp_path)
    list(fit(network, dataclasses.replace(splits, val=None), ADAM, checkpoints=checkpoints))
    after = weights(network)
    assert same(
        {name: after[name] for name in after if name.startswith("stages")},
        {name: before[name] for name in before if name.startswith("stages")},
    )
    assert distance(before, after) > 0.01
    assert set(modes[1:]) == {(False, True)}  # the statistics of batch norm stay, dropout works
    saved = checkpoints.load()
    assert saved is not None
    [group] = saved["optimizers"]
    assert [tensor.shape for tensor in group["memory"]["mean"]] == [(2, 8), (2,)]  # of the head only


def test_statistics_stay_on_request_while_weights_train(splits: Splits, tiny: Tiny) -> None:
    network = tiny(batch_norm=True)
    before = weights(network)
    list(fit(network, splits, dataclasses.replace(ADAM, freeze_statistics=True)))
    after = weights(network)
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        assert torch.equal(after[f"stages.norm.{name}"], before[f"stages.norm.{name}"])
    assert not torch.equal(after["stages.norm.weight"], before["stages.norm.weight"])


@pytest.mark.parametrize(("accuracies", "best"), [([0.7, 0.5, 0.6, 0.65], 0), ([0.5, 0.6, 0.7, 0.4], 2)])
def test_the_start_competes(
    accuracies: list[float], best: int, splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = tiny()
    script(monkeypatch, accuracies)  # the first before any step
    history = [weights(network)]
    epochs = []
    for epoch in fit(network, splits, dataclasses.replace(PLAIN, keep_best=True, start_competes=True)):
        epochs.append((epoch.epoch, epoch.val_accuracy))
        history.append(weights(network))
    assert epochs == list(enumerate(accuracies[1:], start=1))
    assert same(weights(network), history[best])


def test_the_start_is_scored_once_only(
    splits: Splits, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = tiny()
    script(monkeypatch, [0.9, 0.5, 0.5, 0.6, 0.7])  # one more would end the script; the first epoch is repeated
    config = dataclasses.replace(PLAIN, keep_best=True, start_competes=True, checkpoint_seconds=1e-9)
    for _ in fit(tiny(), splits, config, checkpoints=Checkpoints(tmp_path)):
        break
    resumed = tiny(seed=1)
    list(fit(resumed, splits, config, checkpoints=Checkpoints(tmp_path)))
    assert same(weights(resumed), weights(start))


def test_balanced_sampling_deals_rare_classes_as_often(tiny: Tiny, probe: Probe) -> None:
    splits = identical_images(torch.tensor([0] * 24 + [1] * 8))
    network = tiny()
    list(fit(network, splits, dataclasses.replace(ADAM, epochs=100, sampling="balanced"), preprocess=SCALED))
    assert probe(network, splits.train).exp()[0, 0].item() == pytest.approx(0.5, abs=0.02)


def test_files_that_are_decoded_every_epoch_train_alike(splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    def as_files(image_set: ImageSet, name: str) -> ImageSet:
        assert isinstance(image_set.images, ArrayImages)
        paths = tuple(tmp_path / f"{name}-{index}.png" for index in range(len(image_set)))
        for path, image in zip(paths, image_set.images.pixels, strict=True):
            Image.fromarray(image[0].numpy()).save(path)
        return dataclasses.replace(image_set, images=EncodedImages(Files(paths), channels=1))

    assert splits.val is not None
    files = dataclasses.replace(splits, train=as_files(splits.train, "train"), val=as_files(splits.val, "val"))
    config = dataclasses.replace(ADAM, augment=AugmentConfig(flip="random", shift=1))
    from_arrays, from_files = tiny(), tiny()
    expected = [epoch.val_loss for epoch in fit(from_arrays, splits, config, preprocess=SCALED)]
    assert [epoch.val_loss for epoch in fit(from_files, files, config, preprocess=SCALED)] == expected
    assert same(weights(from_arrays), weights(from_files))


@pytest.mark.parametrize("augment", [{"mixup": 0.2}, {"cutmix": 1.0}, {"mixup": 0.2, "cutmix": 1.0}])
def test_learns_from_mixed_images(augment: dict[str, float], splits: Splits, tiny: Tiny) -> None:
    config = dataclasses.replace(
        ADAM, epochs=6, augment=AugmentConfig(**augment), label_smoothing=0.1, class_weights="balanced", accumulate=2
    )
    *_, last = fit(tiny(batch_norm=True), splits, config)
    assert last.val_accuracy is not None
    assert last.val_accuracy > 0.9


def test_early_stopping_restores_the_best_weights(splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny()
    config = dataclasses.replace(PLAIN, epochs=9, patience=2, keep_best=True)
    script(monkeypatch, [0.5, 0.8, 0.7, 0.8])
    history = [weights(network) for _ in fit(network, splits, config)]
    assert len(history) == 4
    assert same(weights(network), history[1])
    assert not same(history[1], history[3])


def test_the_last_weights_are_kept_on_request(splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny()
    script(monkeypatch, [0.5, 0.8, 0.7])
    history = [weights(network) for _ in fit(network, splits, PLAIN)]
    assert same(weights(network), history[2])


def test_a_plateau_lowers_the_rate(splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    config = dataclasses.replace(PLAIN, epochs=7, plateau_patience=2, plateau_factor=0.5)
    script(monkeypatch, [0.5, 0.5, 0.5, 0.6, 0.6, 0.6, 0.6])
    rates = [epoch.lr for epoch in fit(tiny(), splits, config)]
    # Two epochs without a better one after the first and after the fourth: the rate falls in the epoch that follows.
    assert rates == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.025])


def test_averaged_weights_are_scored_and_kept(splits: Splits, tiny: Tiny, probe: Probe) -> None:
    network = tiny()
    average = weights(network)
    config = dataclasses.replace(PLAIN, epochs=4, batch_size=160, ema_decay=0.25)  # one step an epoch
    epochs = []
    for n, epoch in enumerate(fit(network, splits, config, preprocess=SCALED), start=1):
        forgets = min(0.25, (1 + n) / (10 + n))
        average = {name: forgets * average[name] + (1 - forgets) * new for name, new in network.state_dict().items()}
        epochs.append(epoch)
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensor, average[name])
    assert splits.val is not None
    assert epochs[-1].val_loss == pytest.approx(
        F.nll_loss(probe(network, splits.val), splits.val.labels).item(), rel=1e-4
    )


def test_the_best_average_is_kept(splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    network = tiny()
    averages: list[dict[str, Tensor]] = []

    def score(self: Validation, scored: Network) -> Score:
        averages.append(weights(scored))
        return Score([0.5, 0.9, 0.7][len(averages) - 1], 1.0)

    monkeypatch.setattr(Validation, "score", score)
    list(fit(network, splits, dataclasses.replace(PLAIN, ema_decay=0.9, keep_best=True)))
    assert same(weights(network), averages[1])


def prepared(network: Network) -> list[Tensor]:
    """Make a network's `prepare` freeze its first filters at 0.25; the images it was given go into the list."""
    inputs: list[Tensor] = []

    def prepare(images: Tensor) -> None:
        inputs.append(images)
        network.stages.get_parameter("conv1.weight").data.fill_(0.25)

    network.stages.get_parameter("conv1.weight").requires_grad = False
    network.prepare = prepare  # type: ignore[method-assign]
    return inputs


def test_what_was_prepared_is_not_blurred_by_the_average(splits: Splits, tiny: Tiny) -> None:
    network = tiny()
    prepared(network)
    list(fit(network, splits, dataclasses.replace(PLAIN, epochs=1, ema_decay=0.999)))
    assert bool((network.stages.get_parameter("conv1.weight") == 0.25).all())


def test_preparing_sees_fewer_photos(splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.training.setup.PREPARE_PIXELS", 20 * 12 * 12)
    network = tiny()
    inputs = prepared(network)
    next(iter(fit(network, splits, PLAIN)))
    assert [len(images) for images in inputs] == [20]


def test_preparing_sees_a_sample_of_all_images(splits: Splits, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.training.setup.PREPARE_IMAGES", 50)
    network = tiny()
    inputs = prepared(network)
    next(iter(fit(network, splits, PLAIN, preprocess=SCALED)))
    [images] = inputs
    assert isinstance(splits.train.images, ArrayImages)
    torch.testing.assert_close(images, splits.train.images.pixels[::4].float() / 255)  # 40 of 160, up to the end


def test_a_time_budget_ends_in_time_and_at_the_end_of_the_schedule(splits: Splits, tiny: Tiny) -> None:
    config = dataclasses.replace(ADAM, epochs=1, seconds=0.6)
    began = time.monotonic()
    epochs = list(fit(tiny(), splits, config))
    assert 0.55 < time.monotonic() - began < 1.5
    assert len(epochs) > 1  # whatever `epochs` says
    assert epochs[-1].progress == 1
    assert epochs[-1].seconds == pytest.approx(0.6, abs=0.3)
    assert epochs[-1].lr < 0.2 * epochs[0].lr


def test_the_caller_s_time_counts_too(splits: Splits, tiny: Tiny) -> None:
    epochs = fit(tiny(), splits, dataclasses.replace(ADAM, seconds=0.3))
    next(epochs)
    time.sleep(0.4)
    assert list(epochs) == []


def test_eval_mode_at_every_yield_and_at_the_end(splits: Splits, tiny: Tiny) -> None:
    network = tiny(batch_norm=True, dropout=0.5)
    steps_in_train_mode: list[bool] = []
    network.register_forward_pre_hook(lambda module, _: steps_in_train_mode.append(module.training))
    training = dataclasses.replace(splits, val=None)
    for _ in fit(network, training, dataclasses.replace(PLAIN, epochs=2)):
        assert not any(module.training for module in network.modules())
    assert not any(module.training for module in network.modules())
    assert steps_in_train_mode == [False] + 10 * [True]  # one look whether the images fit, then the steps


def test_what_the_caller_does_in_the_loop_changes_nothing(splits: Splits, tiny: Tiny) -> None:
    config = dataclasses.replace(ADAM, augment=AugmentConfig(shift=1))
    alone, watched = tiny(batch_norm=True, dropout=0.5), tiny(batch_norm=True, dropout=0.5)
    list(fit(alone, splits, config))
    for epoch in fit(watched, splits, config):
        watched(torch.rand(4, 1, 12, 12))
        watched.train(epoch.epoch % 2 == 0)
        torch.manual_seed(epoch.epoch)
    assert same(weights(alone), weights(watched))


def test_leaving_the_loop_early(splits: Splits, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    network = tiny()
    script(monkeypatch, [0.5, 0.9, 0.7])
    epochs = []
    config = dataclasses.replace(PLAIN, epochs=9, keep_best=True)
    for epoch in fit(network, splits, config, checkpoints=Checkpoints(tmp_path)):
        epochs.append(weights(network))
        if epoch.epoch == 3:
            break
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert same(weights(network), epochs[1])
    assert not network.training


def test_without_checkpoints_signals_are_left_alone(splits: Splits, tiny: Tiny) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    for _ in fit(tiny(), splits, PLAIN):
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_a_finished_training_does_nothing_more(splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    network, reopened = tiny(), tiny(seed=1)
    list(fit(network, splits, PLAIN, checkpoints=Checkpoints(tmp_path)))
    saved = (tmp_path / "state.pt").read_bytes()
    assert list(fit(reopened, splits, PLAIN, checkpoints=Checkpoints(tmp_path))) == []
    assert same(weights(network), weights(reopened))
    assert (tmp_path / "state.pt").read_bytes() == saved


def test_an_absurd_rate_stops_at_once_and_spares_the_checkpoint(splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    # The warm-up begins at 0, so some steps are good and saved before the rate is.
    config = dataclasses.replace(PLAIN, groups=(ParameterGroup(lr=1e30),), warmup_fraction=0.5, checkpoint_seconds=1e-9)
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(TrainingError) as caught:
        list(fit(tiny(), splits, config, checkpoints=checkpoints))
    saved = checkpoints.load()
    assert saved is not None
    step = saved["progress"]["step"]
    assert f" at step {step + 1} (first bad tensor: " in str(caught.value)
    assert all(bool(tensor.isfinite().all()) for tensor in saved["network"].values())
    tiny(seed=1).load_state_dict(saved["network"])


@pytest.mark.parametrize("batch_size", [160, 32], ids=["in the last step", "in the midst of an epoch"])
def test_a_weight_that_breaks_at_a_finite_loss_is_never_saved(
    batch_size: int, splits: Splits, tiny: Tiny, tmp_path: Path
) -> None:
    images = ArrayImages(torch.full((160, 1, 12, 12), 255, dtype=torch.uint8))
    bright = dataclasses.replace(splits, train=dataclasses.replace(splits.train, images=images))
    glaring = Preprocess(size=(12, 12), channels=1, mean=(0.0,), std=(1e-6,))
    config = dataclasses.replace(
        PLAIN, epochs=1, batch_size=batch_size, groups=(ParameterGroup(lr=3e38),), checkpoint_seconds=1e-9
    )
    checkpoints = Checkpoints(tmp_path)
    with pytest.raises(TrainingError, match="a weight became infinite or not a number at step 1 "):
        list(fit(tiny(), bright, config, preprocess=glaring, checkpoints=checkpoints))
    assert checkpoints.load() is None


def test_a_network_for_other_classes_is_refused(splits: Splits, tiny: Tiny) -> None:
    with pytest.raises(ConfigError) as caught:
        next(iter(fit(tiny(num_classes=7), splits, PLAIN)))
    assert str(caught.value) == (
        "the network has 7 outputs and the data 2 classes: build it with num_classes=2, or call network.replace_head(2)"
    )


def test_a_network_for_other_images_is_refused(splits: Splits, tiny: Tiny) -> None:
    with pytest.raises(ConfigError) as caught:
        next(iter(fit(tiny(channels=3), splits, PLAIN, preprocess=SCALED)))
    assert str(caught.value) == (
        "the network does not take images of 1 x 12 x 12: it was built for channels x height x width 3 x 12 x 12"
    )


def test_a_checkpoint_of_another_training_is_refused(splits: Splits, tiny: Tiny, tmp_path: Path) -> None:
    list(fit(tiny(), splits, dataclasses.replace(PLAIN, epochs=1), checkpoints=Checkpoints(tmp_path)))
    with_average = dataclasses.replace(PLAIN, ema_decay=0.9)
    for network, config in ((tiny(batch_norm=True), PLAIN), (tiny(), with_average), (tiny(), ADAM)):
        with pytest.raises(RunError) as caught:
            next(iter(fit(network, splits, config, checkpoints=Checkpoints(tmp_path))))
        assert str(caught.value) == (
            "the checkpoint does not fit this training: "
            "go on with the network and the configuration it was saved with, or delete it"
        )


def test_the_splits_are_left_as_they_are(splits: Splits, tiny: Tiny) -> None:
    assert isinstance(splits.train.images, ArrayImages)
    before = copy.deepcopy(splits.train.images.pixels)
    config = dataclasses.replace(PLAIN, epochs=1, augment=AugmentConfig(flip="random", shift=2, cutout=3, mixup=1))
    assert [type(epoch) for epoch in fit(tiny(), splits, config)] == [Epoch]
    assert torch.equal(splits.train.images.pixels, before)
