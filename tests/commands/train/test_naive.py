"""`--naive-too`: what a split that ignores duplicates would have said, or why it would say the same."""

import dataclasses
import os
import signal
from typing import Any

import pytest

from sightline.commands.train.learn import Learned
from sightline.commands.train.naive import score_naively
from sightline.commands.train.open import Opened
from sightline.data.load import load_data
from sightline.data.split import read_manifest
from sightline.errors import Interrupted
from sightline.evaluation.evaluate import Evaluation, evaluate
from sightline.reporting.naive import naive_sentence
from sightline.runs.job import read_job
from sightline.runs.run import Run
from sightline.training.fit import Epoch

Taught = tuple[Opened, Learned]
THE_SAME = "a naive split would be the same: there are no duplicates or groups for it to tear apart"


def score_honestly(taught: Taught) -> Evaluation:
    opened, learned = taught
    assert opened.splits.test is not None
    return evaluate(learned.classifier, opened.splits.test)


def held_out(run: Run) -> set[str]:
    return {row.id for row in read_manifest(run.split_path) if row.split == "test"}


def test_without_test_images_there_is_nothing_to_flatter(taught_pets: Taught, hearing: Any) -> None:
    assert score_naively(taught_pets[0], None, hearing) is None
    assert hearing.lines == ["there are no test images by which a naive split could flatter"]


def test_without_duplicates_or_groups_the_split_is_the_same(taught_single_pets: Taught, hearing: Any) -> None:
    opened, _ = taught_single_pets
    assert opened.audit is not None
    assert not opened.audit.duplicates
    assert score_naively(opened, score_honestly(taught_single_pets), hearing) is None
    assert hearing.lines == [THE_SAME]
    assert not (opened.run.path / "naive").exists()


def test_duplicates_that_the_split_left_together_anyway(
    taught_pets: Taught, hearing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, _ = taught_pets
    monkeypatch.setattr("sightline.commands.train.naive.load_data", lambda *_, **__: opened.splits)
    assert score_naively(opened, score_honestly(taught_pets), hearing) is None
    assert hearing.lines == [THE_SAME]


def test_the_careless_training_beside_the_honest_one(taught_pets: Taught, hearing: Any) -> None:
    opened, _ = taught_pets
    honest = score_honestly(taught_pets)
    score = score_naively(opened, honest, hearing)
    assert score is not None
    assert (score.honest_correct, score.honest_total) == (honest.correct, honest.total)
    assert hearing.lines == [
        "training once more, on a split that ignores duplicates and groups",
        naive_sentence(score),
    ]
    [(run, resumed)] = hearing.begun
    assert (run.path, resumed) == (opened.run.path / "naive", False)
    job = read_job(run)
    assert job == dataclasses.replace(opened.job, bound=False, naive_too=False)
    careless = load_data(opened.job.data, seed=opened.job.config.seed, bind=False)
    assert careless.test is not None
    assert held_out(run) == set(careless.test.ids)
    assert score.total == len(careless.test)
    # Some image's copy is on the other side, which the honest split never does.
    for folder, torn in ((run, True), (opened.run, False)):
        test, train = held_out(folder), {row.id for row in read_manifest(folder.split_path) if row.split == "train"}
        assert any(name.replace(" copy", "") in {one.replace(" copy", "") for one in train} for name in test) == torn


def test_what_an_attempt_that_never_began_left_is_cleared_away(taught_pets: Taught, hearing: Any) -> None:
    opened, _ = taught_pets
    (opened.run.path / "naive").mkdir()
    (opened.run.path / "naive" / "config.json").write_text("{")
    assert score_naively(opened, score_honestly(taught_pets), hearing) is not None
    assert read_job(Run(opened.run.path / "naive")).recipe == opened.job.recipe


def test_interrupted_it_goes_on_with_the_whole_training(taught_pets: Taught, hearing: Any) -> None:
    opened, _ = taught_pets
    config = dataclasses.replace(opened.job.config, epochs=3)
    opened = dataclasses.replace(opened, job=dataclasses.replace(opened.job, config=config))
    honest = score_honestly(taught_pets)

    def stop(epoch: Epoch) -> None:
        os.kill(os.getpid(), signal.SIGINT)

    hearing.epoch = stop
    with pytest.raises(Interrupted) as caught:
        score_naively(opened, honest, hearing)
    assert str(caught.value).endswith(f": go on with: {opened.run.resume_command}")
    begun = Run(opened.run.path / "naive")
    records = begun.history

    del hearing.epoch
    score = score_naively(opened, honest, hearing)
    assert score is not None
    assert [resumed for _, resumed in hearing.begun] == [False, True]
    assert len(begun.history) == 3
    assert begun.history[: len(records)] == records
