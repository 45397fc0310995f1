"""config.json says all of a training, and the command it gives repeats it."""

import dataclasses
import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from sightline.config import TrainConfig, Transfer, from_json, to_json
from sightline.errors import ConfigError, RunError
from sightline.models.registry import find_architecture
from sightline.pixels.preprocess import Preprocess
from sightline.runs.job import Job, read_job
from sightline.runs.run import Run


def job(**settings: Any) -> Job:
    defaults: dict[str, Any] = {
        "data": "/my photos",
        "recipe": "default",
        "architecture": find_architecture("lenet5", num_classes=2, size=32),
        "preprocess": Preprocess(size=(32, 32), mean=(0.5,) * 3, std=(0.25,) * 3, fit="pad"),
        "config": TrainConfig(epochs=3, batch_size=8, seed=4),
    }
    return Job(**defaults | settings)


TRANSFER = Transfer(weights="/w/tiny.safetensors", head="mlp", finetune="2")


def command(job: Job) -> dict[str, str]:
    """The words after `sightline train DATA`, by flag."""
    words = shlex.split(job.command)
    assert words[:3] == ["sightline", "train", "/my photos"]
    return dict(zip(words[3::2], words[4::2], strict=True))


def test_a_job_is_the_same_after_json() -> None:
    for made in (job(), job(transfer=TRANSFER, val="0", group_by="patient", cache="4GB", bound=False, find_lr=True)):
        assert from_json(Job, json.loads(json.dumps(to_json(made)))) == made


def test_the_command_names_every_setting() -> None:
    said = command(job())
    for flag, value in {"--model": "lenet5", "--recipe": "default", "--epochs": "3", "--fit": "pad"}.items():
        assert said[flag] == value
    assert (said["--size"], said["--batch-size"], said["--lr"], said["--seed"]) == ("32", "8", "0.1", "4")
    assert not said.keys() & {"--weights", "--head", "--finetune", "--val", "--group-by", "--device", "--precision"}


def test_the_command_names_what_was_asked_for() -> None:
    config = TrainConfig(seconds=90, device="cpu", precision="fp32")
    said = command(job(transfer=TRANSFER, val="10%", group_by="^(a|b)", config=config))
    assert (said["--weights"], said["--head"], said["--finetune"]) == ("/w/tiny.safetensors", "mlp", "2")
    assert (said["--val"], said["--group-by"], said["--time"]) == ("10%", "^(a|b)", "90s")
    assert (said["--device"], said["--precision"]) == ("cpu", "fp32")
    assert "--epochs" not in said


def test_the_command_repeats_the_naive_half_and_the_budget(tmp_path: Path) -> None:
    words = shlex.split(job(naive_too=True, cache="4 GB").command)
    assert words[-1] == "--naive-too"
    assert words[words.index("--cache") + 1] == "4 GB"


def test_a_job_is_read_from_its_run(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.config_path.write_text(json.dumps(to_json(job(transfer=TRANSFER))))
    assert read_job(run) == job(transfer=TRANSFER)
    run.config_path.write_text(json.dumps(to_json(dataclasses.replace(job(), format=2))))
    with pytest.raises(RunError, match=r"config\.json has format 2, this version reads 1 .*go on with the version"):
        read_job(run)
    run.config_path.write_text(json.dumps(to_json(job()) | {"transfer": {"wieghts": "x"}}))
    with pytest.raises(ConfigError, match=r"unknown key 'wieghts' .*did you mean weights\?"):
        read_job(run)


def test_weights_that_lie_at_hand_are_not_named_in_the_command() -> None:
    assert "--weights" not in job(transfer=Transfer()).command
    assert "--weights imagenet" in job(transfer=Transfer(weights="imagenet")).command


def test_the_command_for_a_head_alone_has_no_epochs() -> None:
    alone = job(transfer=Transfer(weights="/w/tiny.safetensors", finetune="none"))
    assert not command(alone).keys() & {"--epochs", "--batch-size", "--lr", "--time"}
