"""What a training came to: written with a format number and read back; older files are read, newer ones refused."""

import json
from pathlib import Path

import pytest

from sightline.errors import ConfigError, RunError
from sightline.runs.records import (
    Circumstances,
    Metrics,
    NaiveScore,
    Stage,
    best_record,
    read_metrics,
    read_stages,
    write_metrics,
    write_stages,
)
from sightline.runs.run import Run

STAGE = Stage(name="frozen", what="a linear head", correct=80, total=100, seconds=9.5, kept=False)
WHOLE = Metrics(
    test={"accuracy": 0.75, "classes": [{"name": "cat"}]},
    stages=(STAGE,),
    naive=NaiveScore(95, 100, 170, 200),
    circumstances=Circumstances(settings={"seed": "0"}, versions={"sightline": "0.1.0"}),
)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "run", "digits", "lenet5")


@pytest.mark.parametrize("metrics", [WHOLE, Metrics()])
def test_metrics_come_back_as_they_were(run: Run, metrics: Metrics) -> None:
    write_metrics(run, metrics)
    assert read_metrics(run) == metrics
    assert run.metrics["format"] == 2


def test_what_there_is_not_is_left_out(run: Run) -> None:
    write_metrics(run, Metrics(stages=(STAGE,)))
    assert run.metrics.keys() == {"format", "stages"}


def test_metrics_without_a_number_are_those_of_the_first_version(run: Run) -> None:
    run.metrics_path.write_text('{"test": {"accuracy": 0.5}}')
    assert read_metrics(run) == Metrics(test={"accuracy": 0.5})


@pytest.mark.parametrize("number", [3, 0, "two", None])
def test_metrics_of_another_format_are_refused(run: Run, number: object) -> None:
    run.metrics_path.write_text(json.dumps({"format": number}))
    with pytest.raises(RunError, match=rf"^metrics.json has format {number}, this version reads up to 2 \("):
        read_metrics(run)


def test_damaged_metrics_are_refused(run: Run) -> None:
    run.metrics_path.write_text('{"format": 2, "stages": [{"name": "frozen"}]}')
    with pytest.raises(ConfigError, match="incomplete settings"):
        read_metrics(run)


def test_stages_come_back_as_they_were(run: Run) -> None:
    assert read_stages(run) == ()
    write_stages(run, [STAGE])
    assert read_stages(run) == (STAGE,)


def test_the_best_epoch_is_the_most_accurate_then_the_one_of_less_loss_then_the_first() -> None:
    epochs = [
        {"epoch": number, "val_accuracy": accuracy, "val_loss": loss}
        for number, accuracy, loss in ((1, 0.5, 0.1), (2, 0.8, 0.4), (3, 0.8, 0.3), (4, 0.8, 0.3))
    ]
    assert best_record(epochs) == epochs[2]
    assert best_record([{"epoch": 1, "val_accuracy": 0.5}, {"epoch": 2, "val_accuracy": 0.5}]) == {
        "epoch": 1,
        "val_accuracy": 0.5,
    }
    assert best_record([{"epoch": 1, "val_accuracy": None}]) is None
    assert best_record([]) is None
