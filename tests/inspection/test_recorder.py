"""Snapshots taken while a network trains: when, of what, at what cost, and that training does not notice."""

import dataclasses
import json
import signal
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import sightline
from sightline.config import TrainConfig
from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.errors import Interrupted
from sightline.inspection.recorder import SnapshotRecorder, _of_many_classes
from sightline.inspection.snapshots import Snapshot, read_snapshots
from sightline.machine.device import Precision
from sightline.models.contract import Network
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess
from sightline.runs.run import Run
from sightline.training.fit import Epoch, fit
from sightline.training.listener import Listener

PREPROCESS = Preprocess(size=(16, 16), channels=1, mean=(0.5,), std=(0.25,))
FP32 = Precision("fp32", "for the test")


def image_set(count: int, seed: int, classes: int = 3) -> ImageSet:
    """Grey squares, brighter from class to class, with noise: uint8 (count, 1, 16, 16)."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(count) % classes
    pixels = labels[:, None, None, None] * 60 + torch.randint(0, 60, (count, 1, 16, 16), generator=generator)
    names = tuple(f"class {i}" for i in range(classes))
    return ImageSet(ArrayImages(pixels.to(torch.uint8)), labels, names, tuple(f"{seed}/{i}" for i in range(count)))


SPLITS = Splits("squares", image_set(60, 1), image_set(30, 2), None)


def small_network() -> Network:
    torch.manual_seed(0)
    return create_model("speednet_xs", num_classes=3, in_channels=1, size=16)


def recorder(folder: Path, net: Network, splits: Splits = SPLITS, share: float = 1e6) -> SnapshotRecorder:
    return SnapshotRecorder(folder, net, splits, preprocess=PREPROCESS, precision=FP32, share=share)


def after_epochs(record: SnapshotRecorder, epochs: int, *, first: int = 1, seconds: float = 1.0) -> None:
    """As if a training of `epochs` epochs of `seconds` each had gone on after epoch `first`."""
    for number in range(first, epochs + 1):
        record.epoch(epoch(number, number / epochs, number * seconds))


def epoch(number: int, progress: float, seconds: float) -> Epoch:
    return Epoch(number, number, 0.1, 1.0, None, None, None, 1_000.0, seconds, progress)


def epochs_kept(folder: Path) -> list[int]:
    return [snapshot.epoch for snapshot in read_snapshots(folder)]


def test_at_most_twenty_the_first_ones_close_together(tmp_path: Path) -> None:
    net = small_network()
    after_epochs(recorder(tmp_path, net), 200)
    # Of 19 steps that are even in the square root, and the first epoch: ceil(200 (k / 19)**2).
    assert epochs_kept(tmp_path) == [1, 3, 5, 9, 14, 20, 28, 36, 45, 56, 68, 80, 94, 109, 125, 142, 161, 180, 200]
    assert len(epochs_kept(tmp_path)) <= 20


def test_short_trainings_keep_nearly_every_epoch(tmp_path: Path) -> None:
    after_epochs(recorder(tmp_path, small_network()), 6)
    assert epochs_kept(tmp_path) == [1, 2, 3, 4, 5, 6]


def test_a_training_with_a_time_budget_keeps_no_more_than_twenty(tmp_path: Path) -> None:
    # It becomes ten times as fast after a while: the first epochs promised 30, there are 264.
    record, progress, number = recorder(tmp_path, small_network()), 0.0, 0
    while progress < 1:
        number += 1
        progress = min(1.0, progress + (1 / 30 if number <= 4 else 1 / 300))
        record.epoch(epoch(number, progress, 300 * progress))
    epochs = epochs_kept(tmp_path)
    assert epochs[0] == 1
    assert epochs[-1] == number > 200
    assert 10 <= len(epochs) <= 20


def test_what_costs_too_much_is_taken_less_often(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Each look at the clock is half a second later, so a snapshot costs one second; 3 % of 200 s are six seconds.
    ticks = iter(np.arange(0, 10_000, 0.5))
    clock = SimpleNamespace(perf_counter=lambda: float(next(ticks)))
    monkeypatch.setattr("sightline.inspection.recorder.time", clock)
    record = recorder(tmp_path, small_network(), share=0.03)
    after_epochs(record, 200)
    epochs = epochs_kept(tmp_path)
    assert epochs[0] == 1
    assert epochs[-1] == 200
    assert 4 <= len(epochs) <= 6
    assert record.spent <= 0.03 * 200


def test_the_first_and_the_last_are_kept_whatever_they_cost(tmp_path: Path) -> None:
    after_epochs(recorder(tmp_path, small_network(), share=0.03), 40, seconds=1e-6)
    assert epochs_kept(tmp_path) == [1, 40]


def test_what_is_in_a_snapshot(tmp_path: Path) -> None:
    net = small_network()
    after_epochs(recorder(tmp_path, net), 1)
    (snapshot,) = read_snapshots(tmp_path)
    np.testing.assert_array_equal(snapshot.kernels, net.layer("stages.group1.conv1").weight.detach().half().numpy())
    assert SPLITS.val is not None
    assert isinstance(SPLITS.val.images, ArrayImages)
    probes = snapshot.probes
    assert probes.split == "validation"
    assert sorted(probes.labels.tolist()) == [0, 0, 1, 1, 2, 2]
    for identity, image, label in zip(probes.ids, probes.images, probes.labels, strict=True):
        index = SPLITS.val.ids.index(identity)
        np.testing.assert_array_equal(image, SPLITS.val.images.read(index))
        assert SPLITS.val.labels[index] == label
    with torch.no_grad():
        answers = net.eval()(PREPROCESS.normalise(SPLITS.val.images.pixels)).argmax(1)
    np.testing.assert_array_equal(snapshot.truth, SPLITS.val.labels)
    np.testing.assert_array_equal(snapshot.predicted, answers)
    assert snapshot.cams.shape[0] == snapshot.maps.shape[0] == 6
    assert snapshot.cams.max() == 255
    np.testing.assert_allclose(snapshot.probabilities.sum(1), 1, rtol=1e-5)


def test_without_validation_images_the_training_images_are_looked_at(tmp_path: Path) -> None:
    after_epochs(recorder(tmp_path, small_network(), Splits("squares", image_set(60, 1), None, None)), 1)
    (snapshot,) = read_snapshots(tmp_path)
    assert snapshot.probes.split == "training"
    assert len(snapshot.truth) == 0
    assert snapshot.confusion.sum() == 0


def test_many_validation_images_are_sampled_evenly(tmp_path: Path) -> None:
    held = image_set(3_001, 2)
    many = Splits("squares", image_set(60, 1), held.take(held.labels.argsort(stable=True)), None)
    after_epochs(recorder(tmp_path, small_network(), many), 1)
    (snapshot,) = read_snapshots(tmp_path)
    assert len(snapshot.truth) == 1_000
    assert set(snapshot.confusion.sum(1)) <= {333, 334}


def test_few_are_looked_at_when_more_would_take_too_long(tmp_path: Path) -> None:
    many = Splits("squares", image_set(60, 1), image_set(3_000, 2), None)
    record = recorder(tmp_path, small_network(), many, share=0.03)
    # 20 epochs of 10 s at 1,000 images/s: half of 3 % of 200 s in 20 snapshots is 0.15 s each, 450 looks at an image.
    record.epoch(epoch(1, 1 / 20, 10))
    assert len(read_snapshots(tmp_path)[0].truth) == pytest.approx(450, abs=1)


def test_one_probe_of_each_of_the_first_classes() -> None:
    labels = torch.tensor([9, 3, 3, 1, 0, 2, 4, 5, 1, 7, 6])
    assert labels[_of_many_classes(labels, 6, seed=0)].tolist() == [0, 1, 2, 3, 4, 5]
    assert _of_many_classes(labels, 6, seed=0) == _of_many_classes(labels, 6, seed=0)
    assert _of_many_classes(labels[:2], 6, seed=0) == [1, 0]


@pytest.mark.parametrize("name", ["speednet_s", "resnet20", "vgg11", "mobilenetv2_100"])
def test_kernels_and_maps_are_those_that_learn(name: str, tmp_path: Path) -> None:
    net = create_model(name, num_classes=3, in_channels=1, size=32)
    preprocess = dataclasses.replace(PREPROCESS, size=(32, 32))
    SnapshotRecorder(tmp_path, net, SPLITS, preprocess=preprocess, precision=FP32).epoch(epoch(1, 1.0, 1.0))
    (snapshot,) = read_snapshots(tmp_path)
    layer = net.layer(snapshot.kernel_layer)
    assert isinstance(layer, torch.nn.Conv2d)
    assert layer.weight.requires_grad
    assert snapshot.maps.shape[1] > 0
    assert min(snapshot.maps.shape[2:]) >= 32 / 3
    assert snapshot.cams.max() == 255


def test_training_does_not_notice(tmp_path: Path) -> None:
    config = TrainConfig(epochs=4, batch_size=16, device="cpu", precision="fp32", ema_decay=0.9)
    networks = [small_network() for _ in range(2)]
    record = recorder(tmp_path, networks[1])
    state, generator = None, torch.get_rng_state()
    epochs: list[list[float]] = [[], []]
    for number, net in enumerate(networks):
        torch.set_rng_state(generator)
        for epoch in fit(net, SPLITS, config, preprocess=PREPROCESS):
            if number:
                state = torch.get_rng_state()
                modes = [module.training for module in net.modules()]
                learning = [parameter.requires_grad for parameter in net.parameters()]
                record.epoch(epoch)
                assert torch.equal(torch.get_rng_state(), state)
                assert [module.training for module in net.modules()] == modes
                assert [parameter.requires_grad for parameter in net.parameters()] == learning
                assert all(parameter.grad is None or not parameter.grad.any() for parameter in net.parameters())
                assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())
            epochs[number].append(epoch.train_loss)
    assert epochs[0] == epochs[1]
    for name, tensor in networks[0].state_dict().items():
        assert torch.equal(tensor, networks[1].state_dict()[name]), name
    assert epochs_kept(tmp_path) == [1, 2, 3, 4]


def test_epochs_that_are_trained_again_are_replaced(tmp_path: Path) -> None:
    net = small_network()
    after_epochs(recorder(tmp_path, net), 6)
    before = {snapshot.epoch: snapshot for snapshot in read_snapshots(tmp_path)}
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.25)
    record = recorder(tmp_path, net)
    record.epoch(epoch(4, 4 / 6, 4.0))
    after: dict[int, Snapshot] = {snapshot.epoch: snapshot for snapshot in read_snapshots(tmp_path)}
    assert list(after) == [1, 2, 3, 4]
    np.testing.assert_array_equal(after[3].kernels, before[3].kernels)
    assert not np.array_equal(after[4].kernels, before[4].kernels)
    assert record.count == 4
    assert record.spent == pytest.approx(sum(snapshot.cost for snapshot in after.values()), rel=0.5)


def trained(out: str, **options: object) -> Run:
    settings: dict[str, object] = {"model": "lenet5", "epochs": 4, "precision": "fp32", "device": "cpu", "quiet": True}
    settings["report"] = "quick"  # has all that is looked at here
    return sightline.train(**({"data": "digits", "out": out} | settings | options))  # type: ignore[arg-type]


@pytest.mark.timeout(300)
def test_a_whole_training_interrupted_and_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: Callable[..., Listener]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(SnapshotRecorder.__init__.__kwdefaults__, "share", 1e6)
    unbroken = trained("unbroken")
    with pytest.raises(Interrupted):
        trained("broken", listeners=[stop_after(2, by=signal.SIGTERM)])
    broken = sightline.train(resume="broken", quiet=True)

    without: Callable[..., object] = lambda *_: None  # noqa: E731
    monkeypatch.setattr(SnapshotRecorder, "epoch", without)
    plain = trained("plain")
    assert not plain.snapshots_folder.exists()
    weights = [run.classifier.network.state_dict() for run in (unbroken, broken, plain)]
    for name, tensor in weights[0].items():
        assert torch.equal(tensor, weights[1][name]), name
        assert torch.equal(tensor, weights[2][name]), name
    first, second = (read_snapshots(run.snapshots_folder) for run in (unbroken, broken))
    assert (second[0].epoch, second[-1].epoch) == (1, 4)
    np.testing.assert_array_equal(first[-1].kernels, second[-1].kernels)
    np.testing.assert_array_equal(first[-1].predicted, second[-1].predicted)
    scores = [json.loads(run.metrics_path.read_text())["test"]["accuracy"] for run in (unbroken, plain)]
    assert scores[0] == scores[1]
