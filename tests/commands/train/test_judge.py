"""The classifier is scored on the test images, once; what changed meanwhile is noticed."""

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from sightline.commands.train import judge as module
from sightline.commands.train.judge import judge
from sightline.commands.train.learn import Learned
from sightline.commands.train.open import Opened
from sightline.evaluation.evaluate import evaluate
from sightline.runs.records import NaiveScore

Taught = tuple[Opened, Learned]


def test_the_score_is_that_of_the_test_images(taught_pets: Taught, hearing: Any) -> None:
    opened, learned = taught_pets
    test = opened.splits.test
    assert test is not None
    judged = judge(opened, learned, listener=hearing)
    assert judged.evaluation is not None
    assert judged.evaluation.ids == test.ids
    assert judged.evaluation.to_json() == evaluate(learned.classifier, test).to_json()
    assert judged.seconds > 0
    assert (judged.naive, judged.changed, hearing.lines) == (None, (), [])


def test_without_test_images_there_is_no_score(taught_pets: Taught, untested: Callable[[Opened], Opened]) -> None:
    opened, learned = taught_pets
    judged = judge(untested(opened), learned)
    assert (judged.evaluation, judged.naive, judged.changed) == (None, None, ())


@pytest.mark.parametrize("asked", [True, False])
def test_a_careless_split_is_scored_when_the_job_says_so(
    asked: bool, taught_pets: Taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, learned = taught_pets
    score = NaiveScore(8, 9, 7, 9)
    monkeypatch.setattr(module, "score_naively", lambda *_: score)
    opened = dataclasses.replace(opened, job=dataclasses.replace(opened.job, naive_too=asked))
    assert judge(opened, learned).naive == (score if asked else None)


@pytest.mark.parametrize("part", ["train", "val", "test"])
def test_files_that_changed_since_they_were_read_are_named(part: str, taught_pets: Taught) -> None:
    opened, learned = taught_pets
    images = getattr(opened.splits, part)
    deleted, rewritten = (Path(opened.job.data, name) for name in images.ids[:2])
    whole, times = deleted.read_bytes(), (deleted.stat(), rewritten.stat())
    try:
        deleted.unlink()
        os.utime(rewritten, ns=(0, 0))
        changed = judge(opened, learned).changed
    finally:
        deleted.write_bytes(whole)
        for path, stat in zip((deleted, rewritten), times, strict=True):
            os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert [(file.path, file.reason) for file in changed] == [
        (images.ids[0], "deleted during the training"),
        (images.ids[1], "rewritten during the training"),
    ]
