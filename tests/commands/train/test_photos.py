"""`train` on a folder of photos with pretrained weights: a new head, then fine-tuning, whatever the photos are like.

The weights are random ones of a tiny network: random features tell colours apart as well as learnt ones do.
"""

import csv
import os
import re
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

from sightline.classifier.classifier import Classifier
from sightline.commands.train.learn import Learned, learn
from sightline.commands.train.open import Opened
from sightline.commands.train.train import train
from sightline.errors import ConfigError, Interrupted, ModelError
from sightline.runs.run import Run
from sightline.training.frozen import train_frozen
from sightline.training.listener import Listener, Listeners

from .conftest import COLOURS, EACH, MODEL, photo, pixels

StopAfter = Callable[..., Listener]


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache of this file's own, and no weights or data but its own."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightline.machine.cache.cache_folder", lambda: folder)
        patch.delenv("SIGHTLINE_DATA", raising=False)
        yield folder


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def trained(data: Path, weights: Path, **settings: Any) -> Run:
    """Frozen only unless said otherwise; in fp32 on the CPU, where a training can be repeated exactly."""
    options = {"model": MODEL, "finetune": "none", "device": "cpu", "precision": "fp32", "quiet": True} | settings
    return train(data, weights=weights, **options)


@pytest.fixture(scope="module")
def frozen(photos: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(photos, weights, out=tmp_path_factory.mktemp("frozen") / "run")


@pytest.fixture(scope="module")
def tuned(photos: Path, weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Both stages, two epochs of the whole network at rates that move it."""
    return trained(photos, weights, finetune="all", epochs=2, lr=0.01, out=tmp_path_factory.mktemp("tuned") / "run")


def state(run: Run) -> bytes:
    return (run.model_folder / "model.safetensors").read_bytes()


def stages(run: Run) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = run.metrics["stages"]
    return records


def log(run: Run) -> str:
    return run.log_path.read_text()


def ids(run: Run, split: str) -> set[str]:
    return {row["id"] for row in csv.DictReader(run.split_path.read_text().splitlines()) if row["split"] == split}


def test_a_head_on_frozen_features_tells_the_classes_apart(frozen: Run, weights: Path) -> None:
    assert frozen.test["total"] == 12
    assert frozen.test["accuracy"] > 0.8
    [stage] = stages(frozen)
    assert (stage["name"], stage["total"], stage["kept"]) == ("frozen", 5, True)
    assert stage["what"] == "a linear head on the features of the pretrained network"
    assert frozen.history == []
    assert "frozen: a linear head" in log(frozen)
    assert "Only the new head was trained" in frozen.report_path.read_text()
    assert frozen.config["transfer"] == {
        "weights": str(weights),
        "head": "linear",
        "finetune": "none",
        "by_depth": True,
    }
    assert frozen.config["preprocess"]["size"] == [64, 64]


def test_the_classifier_says_where_its_weights_come_from(frozen: Run) -> None:
    said = frozen.classifier.provenance
    assert (said["weights"], said["weights licence"], said["data"]) == ("a test", "CC0", "photos")


def test_the_classifier_is_an_ordinary_one(frozen: Run, photos: Path) -> None:
    assert frozen.classifier.predict(photos / "sea" / "03.png").label == "sea"


def test_nothing_but_the_head_has_changed(frozen: Run) -> None:
    torch.manual_seed(0)
    theirs = timm.create_model(MODEL).eval()
    ours = frozen.classifier.network.eval()
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(ours.forward_features(images), theirs.forward_features(images))


def test_fine_tuning_is_a_second_stage(tuned: Run) -> None:
    first, second = stages(tuned)
    assert (first["name"], second["name"], second["what"]) == ("frozen", "fine-tuned", "the whole network")
    assert first["kept"] != second["kept"]
    assert second["total"] == first["total"] == 5
    assert [record["epoch"] for record in tuned.history] == [1, 2]
    assert second["correct"] == round(5 * max(record["val_accuracy"] for record in tuned.history))
    assert ("Fine-tuning paid" if second["kept"] else "Fine-tuning did not") in tuned.report_path.read_text()


def test_the_last_block_alone(photos: Path, weights: Path) -> None:
    """Without validation images nothing competes: the last weights are kept."""
    run = trained(photos, weights, finetune=1, epochs=1, val=0, lr=0.01)
    torch.manual_seed(0)
    before = timm.create_model(MODEL).state_dict()
    after = run.classifier.network.state_dict()
    learnt = {
        name: tensor for name, tensor in after.items() if name.startswith("stages.") and "num_batches" not in name
    }
    moved = {
        name.split(".")[1]
        for name, tensor in learnt.items()
        if not any(torch.equal(tensor, old) for old in before.values() if old.shape == tensor.shape)
    }
    assert moved == {"stage5"}
    first, second = stages(run)
    assert second["what"] == "the head with the last 1 of 6 blocks"
    assert (first["kept"], second["kept"], first["total"], second["total"]) == (False, True, 0, 0)


def test_without_validation_auto_stays_frozen(photos: Path, weights: Path) -> None:
    run = trained(photos, weights, val=0, finetune="auto")
    assert [stage["name"] for stage in stages(run)] == ["frozen"]
    assert not ids(run, "val")
    assert run.history == []


def test_a_head_with_a_hidden_layer_is_saved_and_loaded(photos: Path, weights: Path) -> None:
    run = trained(photos, weights, head="mlp")
    assert stages(run)[0]["what"].startswith("a head with a hidden layer")
    assert run.test["accuracy"] > 0.8
    predicted = [row["predicted"] for row in csv.DictReader(run.predictions_path.read_text().splitlines())]
    again = Classifier.load(run.model_folder)
    names = [row["id"] for row in csv.DictReader(run.predictions_path.read_text().splitlines())]
    assert [again.predict(photos / name).label for name in names] == predicted


def test_the_same_again_gives_the_same_weights(frozen: Run, photos: Path, weights: Path) -> None:
    """Now the features are known."""
    assert state(trained(photos, weights)) == state(frozen)


def test_over_the_budget_of_the_cache_files_are_decoded_again_and_again(
    frozen: Run, photos: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sightline.data.store.prepared.SMALL", 0)  # less is held in memory whatever the budget
    run = trained(photos, weights, cache="0")
    assert "they are decoded in every epoch" in log(run)
    assert state(run) == state(frozen)


@pytest.mark.parametrize("lr", [0.01, "auto"])
def test_an_interruption_of_the_second_stage_changes_nothing(
    tuned: Run, photos: Path, weights: Path, stop_after: StopAfter, lr: Any
) -> None:
    both = {"finetune": "all", "epochs": 2, "lr": lr}
    unbroken = tuned if lr == 0.01 else trained(photos, weights, out="unbroken", **both)
    with pytest.raises(Interrupted, match=r"--resume half$"):
        trained(photos, weights, out="half", listeners=[stop_after(1)], **both)
    resumed = train(resume="half", quiet=True)
    assert state(resumed) == state(unbroken)
    assert stages(resumed)[1] | {"seconds": 0} == stages(unbroken)[1] | {"seconds": 0}
    assert [record["train_loss"] for record in resumed.history] == [record["train_loss"] for record in unbroken.history]


def test_a_learning_rate_that_is_found_is_said_and_drawn(photos: Path, weights: Path) -> None:
    run = trained(photos, weights, finetune="all", epochs=1, lr="auto")
    [said] = [line for line in log(run).splitlines() if "learning rate" in line]
    rate = float(said.split("learning rate ")[1].split(":")[0])
    assert run.config["config"]["groups"][0]["lr"] == pytest.approx(rate, rel=0.03)
    assert run.config["find_lr"] is False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_of_the_first_stage_says_how_to_go_on(
    frozen: Run, photos: Path, weights: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def stop(*arguments: Any, **options: Any) -> Any:
        os.kill(os.getpid(), number)
        return train_frozen(*arguments, **options)

    half = Path("half").absolute()
    before = signal.signal(signal.SIGTERM, lambda *_: pytest.fail("the training did not hear the signal"))
    try:
        monkeypatch.setattr("sightline.commands.train.stages.train_frozen", stop)
        with pytest.raises(Interrupted) as caught:
            trained(photos, weights, out="half")
        monkeypatch.undo()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert str(caught.value).endswith("go on with: sightline train --resume half")
    assert caught.value.exit_code == 130
    assert state(train(resume=half, quiet=True)) == state(frozen)


def test_grey_photos_make_a_grey_network(tmp_path: Path, weights: Path) -> None:
    for label, level in (("dark", 60), ("light", 190)):
        (tmp_path / "grey" / label).mkdir(parents=True)
        for i in range(EACH):
            Image.fromarray(pixels((level,) * 3, i + level)[:, :, 0]).save(tmp_path / "grey" / label / f"{i}.png")
    run = trained(tmp_path / "grey", weights)
    assert run.classifier.preprocess.channels == 1
    assert run.classifier.network.input_shape == (1, 64, 64)
    assert run.test["accuracy"] > 0.8


def test_transparent_and_16_bit_photos(tmp_path: Path, weights: Path) -> None:
    for label, name in enumerate(COLOURS):
        (tmp_path / "mixed" / name).mkdir(parents=True)
        for i in range(EACH):
            image = pixels(COLOURS[name], 100 * label + i)
            path = tmp_path / "mixed" / name / f"{i:02}.png"
            if i % 4 == 0:
                Image.fromarray(image[:, :, label].astype(np.uint16) * 257).save(path)  # mode I;16
            else:
                Image.fromarray(np.dstack([image, np.full(image.shape[:2], 255, np.uint8)])).save(path)
    run = trained(tmp_path / "mixed", weights)
    assert run.classifier.preprocess.channels == 3
    rows = csv.DictReader(run.predictions_path.read_text().splitlines())
    coloured = [row["label"] == row["predicted"] for row in rows if int(Path(row["id"]).stem) % 4]
    assert sum(coloured) / len(coloured) > 0.7


def test_groups_of_a_table_are_never_split(photos: Path, weights: Path) -> None:
    with open("photos.csv", "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "patient"])
        for name in COLOURS:
            table.writerows([photos / name / f"{i:02}.png", name, f"{name} {i // 4}"] for i in range(EACH))
    run = trained(Path("photos.csv"), weights, group_by="patient")
    rows = list(csv.DictReader(run.split_path.read_text().splitlines()))
    sides: dict[str, set[str]] = {}
    for row in rows:
        sides.setdefault(row["group"], set()).add(row["split"])
    assert len(sides) == 15
    assert all(len(side) == 1 for side in sides.values())
    assert {row["split"] for row in rows} == {"train", "val", "test"}


def test_copies_of_test_photos_leave_training(tmp_path: Path, weights: Path) -> None:
    for label, name in enumerate(COLOURS):
        for i in range(12):
            photo(tmp_path / "own" / "train" / name / f"{i:02}.png", name, 100 * label + i)
        for i in range(12, 16):
            photo(tmp_path / "own" / "test" / name / f"{i:02}.png", name, 100 * label + i)
    copy = shutil.copy(tmp_path / "own" / "test" / "sea" / "13.png", tmp_path / "own" / "train" / "sea" / "copy.png")
    larger = Image.open(tmp_path / "own" / "test" / "moss" / "12.png").resize((160, 192), Image.Resampling.BICUBIC)
    larger.save(tmp_path / "own" / "train" / "moss" / "larger.jpg", quality=90)
    run = trained(tmp_path / "own", weights)
    assert "2 images are duplicates of held-out ones, so the network is not trained with them" in log(run)
    everything = ids(run, "train") | ids(run, "val")
    assert len(everything) == 36
    assert not {"train/sea/copy.png", "train/moss/larger.jpg"} & everything
    assert len(ids(run, "test")) == 12
    assert Path(copy).name in run.report_path.read_text()


def test_what_a_naive_split_says_is_measured_on_request(
    tmp_path: Path, weights: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Every photo is there twice."""
    for label, name in enumerate(COLOURS):
        for i in range(EACH // 2):
            path = photo(tmp_path / "twice" / name / f"{i:02}.png", name, 100 * label + i)
            shutil.copy(path, path.with_name(f"{i:02} copy.png"))
    run = trained(tmp_path / "twice", weights, naive_too=True, quiet=False)
    naive = run.metrics["naive"]
    assert (naive["total"], naive["honest_total"]) == (12, run.test["total"])
    assert naive["honest_correct"] == run.test["correct"]
    sentence = "a naive split says "
    assert sentence in capsys.readouterr().out
    assert sentence in log(run)
    for split in ("train", "val", "test"):
        names = ids(run, split)
        assert {name.replace(" copy", "") for name in names} == {name for name in names if " copy" not in name}


def test_the_naive_half_goes_on_with_the_whole_training(
    tmp_path: Path, weights: Path, stop_after: StopAfter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for label, name in enumerate(COLOURS):
        for i in range(EACH // 2):
            path = photo(tmp_path / "twice" / name / f"{i:02}.png", name, 100 * label + i)
            shutil.copy(path, path.with_name(f"{i:02} copy.png"))
    both = {"finetune": "all", "epochs": 2, "lr": 0.01, "naive_too": True}
    unbroken = trained(tmp_path / "twice", weights, out="unbroken", **both)

    def stopped(opened: Opened, *, listener: Listener) -> Learned:
        return learn(opened, listener=Listeners([listener, stop_after(1)]))

    message = r"go on with: sightline train --resume half$"
    with monkeypatch.context() as patch:
        patch.setattr("sightline.commands.train.naive.learn", stopped)
        with pytest.raises(Interrupted, match=message):
            trained(tmp_path / "twice", weights, out="half", **both)
    resumed = train(resume="half", quiet=True)
    assert resumed.config["naive_too"]
    assert resumed.metrics["naive"] == unbroken.metrics["naive"]
    assert state(resumed) == state(unbroken)


def test_without_duplicates_a_naive_split_is_the_same(tmp_path: Path, photos: Path, weights: Path) -> None:
    data = Path(shutil.copytree(photos, tmp_path / "with a broken one"))
    (data / "sea" / "broken.png").write_bytes((data / "sea" / "00.png").read_bytes()[:500])
    run = trained(data, weights, naive_too=True)
    assert "a naive split would be the same" in log(run)
    assert "naive" not in run.metrics


def test_rare_classes_are_drawn_as_often_as_common_ones(photos: Path, weights: Path) -> None:
    run = trained(photos, weights, balance="sampler", finetune="all", epochs=1)
    assert run.config["config"]["sampling"] == "balanced"
    loss = trained(photos, weights, balance="loss")
    assert loss.config["config"]["class_weights"] == "balanced"


def test_photos_that_change_during_training_are_named(
    tmp_path: Path, weights: Path, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = Path(shutil.copytree(photos, tmp_path / "changing"))

    def train_and_change(*arguments: Any, **options: Any) -> Any:
        (data / "sea" / "00.png").unlink()
        photo(data / "moss" / "00.png", "moss", 999)
        return train_frozen(*arguments, **options)

    monkeypatch.setattr("sightline.commands.train.stages.train_frozen", train_and_change)
    run = trained(data, weights)
    for said in (log(run), run.report_path.read_text()):
        assert "deleted during the training" in said
        assert "rewritten during the training" in said
    assert re.search(r"sea/00\.png\W+deleted during the training", log(run))


@pytest.mark.parametrize("fit", ["pad", "squash"])
def test_photos_are_fitted_as_asked(fit: Any, photos: Path, weights: Path) -> None:
    run = trained(photos, weights, fit=fit)
    assert run.config["preprocess"]["fit"] == fit
    assert f"{fit}: as asked" in run.report_path.read_text()
    assert run.classifier.preprocess.fit == fit
    assert run.test["accuracy"] > 0.7


def test_the_two_step_recipe(photos: Path, weights: Path) -> None:
    run = trained(photos, weights, recipe="two-step", finetune=None, epochs=1)
    first, second = stages(run)
    assert first["what"].startswith("a head with a hidden layer")
    assert second["what"] == "the head with the last 2 of 6 blocks"
    [group] = run.config["config"]["groups"]
    assert group["lr"] == 1e-5


def test_the_whole_network_from_scratch(photos: Path) -> None:
    run = train(photos, recipe="scratch", model="resnet18_small", size=32, epochs=1, batch_size=16, quiet=True)
    assert run.config["transfer"] is None
    assert "stages" not in run.metrics
    assert run.config["config"]["augment"]["resized_crop"] == 0.35
    by_timm = train(photos, model=MODEL, weights="none", size=64, epochs=1, batch_size=16, quiet=True)
    assert by_timm.config["transfer"] is None


def test_weights_that_do_not_fit_are_one_sentence(photos: Path, weights: Path) -> None:
    cases = [({"model": "resnet18"}, "the weights are those of test_resnet, not of resnet18 (")]
    torch.manual_seed(0)
    lacking = timm.create_model(MODEL).state_dict()
    del lacking["layer1.0.conv1.weight"]
    save_file({name: tensor.contiguous() for name, tensor in lacking.items()}, "lacking.safetensors")
    cases += [({"weights": "lacking.safetensors"}, "these are not the weights of test_resnet: 1 tensor is missing (")]
    cases += [({"weights": "nowhere.safetensors"}, "there is no file ")]
    for changes, message in cases:
        options = {"model": MODEL, "weights": weights} | changes
        with pytest.raises(ModelError) as caught:
            train(photos, **options, quiet=True)
        assert str(caught.value).startswith(message)
        assert caught.value.exit_code == 2
    assert not Path("runs").exists()


def test_options_that_contradict_each_other_are_one_sentence(photos: Path) -> None:
    for options in ({"head": "mlp"}, {"finetune": "all"}):
        with pytest.raises(ConfigError, match=r"is for pretrained networks, and this one learns from scratch: "):
            train(photos, model="resnet18_small", **options, quiet=True)


def test_the_report_says_what_to_type_to_repeat_it(frozen: Run, photos: Path, weights: Path) -> None:
    page = frozen.report_path.read_text()
    for part in (f"sightline train {photos}", f"--weights {weights}", "--head linear", "--finetune none", "--fit crop"):
        assert part in page


def test_a_training_with_copies_goes_on_with_the_same_head(
    tmp_path: Path, photos: Path, weights: Path, stop_after: StopAfter
) -> None:
    """The groups that copies make are in the split's manifest, so the folds are the same."""
    data = Path(shutil.copytree(photos, tmp_path / "copies"))
    for i in range(4):
        shutil.copy(data / "sea" / f"{i:02}.png", data / "sea" / f"copy {i}.png")
    both = {"finetune": "all", "epochs": 2, "lr": 0.01}
    unbroken = trained(data, weights, out="unbroken", **both)
    with pytest.raises(Interrupted):
        trained(data, weights, out="half", listeners=[stop_after(1)], **both)
    resumed = train(resume="half", quiet=True)
    assert state(resumed) == state(unbroken)
    assert stages(resumed)[0] | {"seconds": 0} == stages(unbroken)[0] | {"seconds": 0}
