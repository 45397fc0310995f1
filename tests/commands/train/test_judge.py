"""The classifier is scored on the test images, once; what changed meanwhile is noticed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from sightline.commands.train.judge import judge
from sightline.commands.train.learn import Learned
from sightline.commands.train.open import Opened
from sightline.evaluation.evaluate import evaluate

Taught = tuple[Opened, Learned]


def test_the_score_is_that_of_the_test_images(taught_pets: Taught) -> None:
    opened, learned = taught_pets
    test = opened.splits.test
    assert test is not None
    judged = judge(opened, learned)
    assert judged.evaluation is not None
    assert judged.evaluation.ids == test.ids
    assert judged.evaluation.to_json() == evaluate(learned.classifier, test).to_json()
    assert judged.seconds > 0
    assert judged.changed == ()


def test_without_test_images_there_is_no_score(taught_pets: Taught, untested: Callable[[Opened], Opened]) -> None:
    opened, learned = taught_pets
    judged = judge(untested(opened), learned)
    assert (judged.evaluation, judged.changed) == (None, ())


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
