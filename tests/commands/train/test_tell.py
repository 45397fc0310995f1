"""What a training came to is in the run folder: predictions, metrics, page and card, as far as there is time."""

import csv
import dataclasses
import html
import re
import time
from collections.abc import Callable
from typing import Any

import pytest

from sightline.commands.train.judge import Judged, judge
from sightline.commands.train.learn import Learned
from sightline.commands.train.open import Opened
from sightline.commands.train.tell import tell
from sightline.data.imageset import Unused
from sightline.machine.clock import Clock
from sightline.reporting import analysis
from sightline.reporting.naive import naive_sentence
from sightline.runs.records import NaiveScore, Stage, read_metrics
from sightline.runs.run import Run

Taught = tuple[Opened, Learned]


@pytest.fixture
def judged_training(taught_pets: Taught) -> tuple[Opened, Learned, Judged]:
    """A training that has been judged, and whose classifier is saved; nothing more is."""
    opened, learned = taught_pets
    learned.classifier.save(opened.run.model_folder)
    return opened, learned, judge(opened, learned)


def text(run: Run) -> str:
    page = run.report_path.read_text(encoding="utf-8")
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)))


def test_four_files_say_the_same(judged_training: tuple[Opened, Learned, Judged], hearing: Any) -> None:
    opened, learned, judged = judged_training
    evaluation, run = judged.evaluation, opened.run
    assert evaluation is not None
    assert not run.is_complete
    tell(opened, learned, judged, listener=hearing, clock=Clock(time.monotonic() - 100))
    assert run.is_complete
    assert run.test["correct"] == evaluation.correct
    rows = list(csv.DictReader(run.predictions_path.read_text().splitlines()))
    assert tuple(row["id"] for row in rows) == evaluation.ids
    assert sum(row["correct"] == "1" for row in rows) == evaluation.correct
    assert f"of {evaluation.total} test images recognised" in text(run)
    assert "lenet5 on pets" in (run.model_folder / "README.md").read_text()
    [(heard, seconds)] = hearing.results
    assert heard is evaluation
    assert seconds == pytest.approx(100, abs=20)


def test_stages_and_the_careless_score_are_in_metrics_and_page(judged_training: tuple[Opened, Learned, Judged]) -> None:
    opened, learned, judged = judged_training
    stages = (Stage(name="frozen", what="a linear head", correct=4, total=5, seconds=1.0),)
    naive = NaiveScore(9, 9, 7, 9)
    tell(opened, dataclasses.replace(learned, stages=stages), judged, naive=naive)
    metrics = read_metrics(opened.run)
    assert (metrics.stages, metrics.naive) == (stages, naive)
    assert naive_sentence(naive)[1:] in text(opened.run)
    assert "Only the new head was trained" in text(opened.run)


def test_without_test_images_the_page_says_so(taught_pets: Taught, untested: Callable[[Opened], Opened]) -> None:
    opened, learned = taught_pets
    opened = untested(opened)
    learned.classifier.save(opened.run.model_folder)
    tell(opened, learned, judge(opened, learned))
    assert opened.run.is_complete
    assert read_metrics(opened.run).test is None
    assert not opened.run.predictions_path.exists()
    assert "There are no test images, so nobody knows yet how well it does" in text(opened.run)


def test_files_that_changed_are_said_and_listed(judged_training: tuple[Opened, Learned, Judged], hearing: Any) -> None:
    opened, learned, judged = judged_training
    changed = (Unused("cat/00.png", "rewritten during the training", "changed"),)
    tell(opened, learned, dataclasses.replace(judged, changed=changed), listener=hearing)
    assert hearing.lines == ["cat/00.png: rewritten during the training"]
    assert "cat/00.png rewritten during the training" in text(opened.run)


def test_a_quick_report_asks_the_network_nothing(
    judged_training: tuple[Opened, Learned, Judged], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, learned, judged = judged_training
    monkeypatch.setattr("sightline.commands.train.tell.analyse", lambda *_, **__: pytest.fail("asked"))
    tell(dataclasses.replace(opened, job=dataclasses.replace(opened.job, report="quick")), learned, judged)
    assert f"A quick report was asked for; sightline report {opened.run.path} makes it whole." in text(opened.run)


@pytest.mark.parametrize(("passed", "whole"), [(1.0, True), (59.0, False)])
def test_a_time_budget_leaves_pieces_out(
    passed: float, whole: bool, judged_training: tuple[Opened, Learned, Judged], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a minute, all but the last second have passed before the network is asked."""
    opened, learned, judged = judged_training
    config = dataclasses.replace(opened.job.config, seconds=60.0)
    opened = dataclasses.replace(opened, job=dataclasses.replace(opened.job, config=config))
    now = time.monotonic()

    class Watch:
        monotonic = staticmethod(lambda: now + passed)

    monkeypatch.setattr(analysis, "time", Watch)
    tell(opened, learned, dataclasses.replace(judged, seconds=0.01 * len(judged.evaluation.ids)), clock=Clock(now))  # type: ignore[union-attr]
    sentence = f"There was no time left for some sections; sightline report {opened.run.path} adds them."
    assert (sentence in text(opened.run)) == (not whole)
    sections = re.findall(r'<section aria-labelledby="(\w+)"', opened.run.report_path.read_text(encoding="utf-8"))
    assert "slices" in sections
    assert ("map" in sections) == ("growth" in sections) == whole
