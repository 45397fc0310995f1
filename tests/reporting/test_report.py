"""The page says what it must, hides nothing, needs nothing, and cannot be broken by a class name."""

import base64
import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from sightline.data.imageset import ArrayImages, ImageSet, Unused
from sightline.evaluation.evaluate import Evaluation, score
from sightline.evaluation.intervals import wilson_interval
from sightline.reporting.colors import contrast
from sightline.reporting.description import TrainingFacts
from sightline.reporting.material import Material
from sightline.reporting.report import render, write_report
from sightline.runs.run import Record, Run
from sightline.training.range_test import suggest

VOID = {"meta", "img", "source", "path", "circle", "rect", "input"}


class Page(HTMLParser):
    """Checks that tags close in order; keeps the text, the tags and what they load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.open: list[str] = []
        self.script = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.loads += [
            value or ""
            for name, value in attrs
            if name in ("src", "href", "srcset", "action") and not (value or "").startswith("#")
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" in self.open:
            self.script += data
        elif "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        """What is read, with every run of white space, also what does not break, as one blank."""
        return " ".join(" ".join(self.words).split())


FACTS = TrainingFacts(
    data="pets",
    model="convnet",
    num_classes=3,
    parameters=206_922,
    train_images=5400,
    val_images=600,
    test_images=600,
    epochs=4,
    command="sightline train pets --seed 0",
    unused=[Unused("cat/notes.txt", "not an image"), Unused("dog/broken.jpg", "truncated")],
    settings={"Optimiser": "SGD"},
    versions={"torch": "2.15.0"},
)


def epochs(count: int, *, validated: bool = True) -> list[Record]:
    records: list[Record] = []
    for epoch in range(1, count + 1):
        accuracy = 1 - 0.5 / epoch
        measured: Record = {
            "val_loss": 0.4,
            "val_accuracy": accuracy,
            "val_interval": wilson_interval(round(600 * accuracy), 600),
        }
        records.append(
            {"epoch": epoch, "train_loss": 1 / epoch, "seconds": 10.0 * epoch} | (measured if validated else {})
        )
    return records


def scored(classes: tuple[str, ...] = ("cat", "dog", "fox"), note: str = "") -> Evaluation:
    """600 test images, of which every tenth is taken for the next class."""
    labels = np.arange(600) % len(classes)
    predicted = np.where(np.arange(600) % 10 == 0, (labels + 1) % len(classes), labels)
    probabilities = np.full((600, len(classes)), 0.1 / (len(classes) - 1), dtype=np.float32)
    probabilities[np.arange(600), predicted] = 0.9
    return score(probabilities, labels, classes, ids=tuple(f"test/{i}" for i in range(600)), note=note)


def images(classes: tuple[str, ...] = ("cat", "dog", "fox")) -> ImageSet:
    pixels = (
        torch.arange(600, dtype=torch.int64).remainder(256).to(torch.uint8)[:, None, None, None].expand(600, 3, 8, 8)
    )
    ids = tuple(f"test/{i}" for i in range(600))
    return ImageSet(ArrayImages(pixels), torch.arange(600) % len(classes), classes, ids)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run.create(tmp_path / "pets-convnet-1", "pets", "convnet")


def test_finished_page(run: Run) -> None:
    path = write_report(run, FACTS, history=epochs(4), evaluation=scored(), images=images())
    assert path == run.path / "report.html"
    page = Page(path.read_text(encoding="utf-8"))
    for sentence in (
        "convnet on pets",
        "90.0 % (87.3 to 92.2) of 600 test images recognised",
        "Weakest class cat: 180 of 200 recognised, 90 % (85 to 93)",
        "Commonest confusion cat taken for dog, 20 times",
        "What to do next",
        "60 of 600 images were named wrongly. These are the 21 it was surest about",
        "Validation accuracy was highest after epoch 4, at 87.5 % (84.6 to 89.9); it began at 50 %.",
        "convnet, a network with 206,922 parameters, learned 3 classes from 5,400 images of pets: 4 epochs in 40 s.",
        "5,400 to train on, 600 to validate, 600 to test",
        "2 files were found but took no part.",
        "cat/notes.txt not an image",
        "sightline train pets --seed 0",
        "torch 2.15.0",
        "pets-convnet-1 · Sightline 0.1.0",
    ):
        assert sentence in page.text
    assert page.tags.count("img") == 2 * 21  # the surest mistakes and the least sure
    assert "refresh" not in path.read_text(encoding="utf-8")


def test_page_loads_nothing_and_runs_its_own_script_only(report_parts: Callable[..., Any]) -> None:
    parts = report_parts()
    html = whole(parts)
    page = Page(html)
    assert page.loads
    assert all(value.startswith("data:image/") for value in page.loads)
    assert re.findall(r"url\((?!data:image/(?:png|jpeg);base64,)", html) == []
    assert "@import" not in html
    digest = base64.b64encode(hashlib.sha256(page.script.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy
    assert policy[1].split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert page.tags.count("script") == 1
    assert re.findall(r"fetch|XMLHttp|import\(|innerHTML|eval|https?:", page.script) == []


def whole(parts: Any) -> str:
    return render(
        parts.facts,
        history=parts.history,
        evaluation=parts.evaluation,
        images=parts.images,
        material=parts.material,
        run_name="shapes-1",
    )


@pytest.mark.parametrize("num_classes", [2, 5, 100])
def test_every_section_opens_with_a_sentence_of_its_own(report_parts: Callable[..., Any], num_classes: int) -> None:
    html = whole(report_parts(num_classes))
    titles = re.findall(r'<h2 id="(\w+)">', html)
    assert titles == [
        *("summary", "classes", "confusion", "calibration", "mistakes", "unsure", "suspects", "slices", "map"),
        *("machine", "growth", "learning", "trained", "repeat"),
    ]
    openings = re.findall(r"</h2>\s*<div>\s*<p>\s*(\S+)", html)
    assert len(openings) == len(titles) - 2  # the summary begins with its list, what was trained with its settings
    Page(html)


def test_links_lead_somewhere(report_parts: Callable[..., Any]) -> None:
    for parts in (report_parts(3), report_parts(30), report_parts(4, perfect=True)):
        html = whole(parts)
        ids = re.findall(r' id="([^"]+)"', html)
        assert len(ids) == len(set(ids))
        assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_without_a_mistake_nothing_is_invented(report_parts: Callable[..., Any]) -> None:
    text = Page(whole(report_parts(4, perfect=True))).text
    assert "Weakest class none: not one image was mistaken" in text
    assert "Nothing was taken for anything else." in text
    assert "no label of the test images looks wrong" in text
    assert "The surest mistakes" not in text


def test_material_that_is_left_out_is_said(report_parts: Callable[..., Any]) -> None:
    parts = report_parts()
    why = "There was no time left for the map; make it with: sightline report runs/shapes-1"
    html = whole(replace(parts, material=Material(left_out=why)))
    assert why in Page(html).text
    for absent in ("map", "machine", "growth", "slices", "suspects"):
        assert f'id="{absent}"' not in html


EVIL = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "{{ 7 * 7 }}")


def test_names_cannot_break_the_page() -> None:
    facts = TrainingFacts(
        data=EVIL[0],
        model=EVIL[1],
        num_classes=3,
        parameters=1,
        train_images=1,
        command=EVIL[0],
        note=EVIL[1],
        unused=[Unused(EVIL[0], EVIL[1])],
        settings={EVIL[0]: EVIL[1]},
        versions={EVIL[1]: EVIL[0]},
    )
    html = render(facts, history=epochs(2), evaluation=scored(EVIL), images=images(EVIL), run_name=EVIL[0])
    page = Page(html)
    assert page.tags.count("script") == 1
    assert all(value.startswith("data:image/") for value in page.loads)
    assert page.tags.count("img") == 2 * 21
    assert "{{ 7 * 7 }}" in page.text
    assert "<script>alert(1)</script>" in page.text


def test_live_page_reloads_and_says_how_long(run: Run) -> None:
    write_report(run, FACTS, history=epochs(1), live=True)
    html = run.report_path.read_text(encoding="utf-8")
    assert '<meta http-equiv="refresh" content="3">' in html
    text = Page(html).text
    assert "Training: 1 of 4 epochs done, about 30 s to go" in text
    assert "50 % (46 to 54) of the validation images recognised, after epoch 1" in text
    assert "This page follows the training" in text


def test_page_of_a_stopped_training_says_how_to_go_on_and_reloads_no_more(run: Run) -> None:
    why = "Stopped; go on with: sightline train --resume 'my run'"
    for history in (epochs(1), []):
        write_report(run, FACTS, history=history, stopped=why)
        html = run.report_path.read_text(encoding="utf-8")
        text = Page(html).text
        assert 'http-equiv="refresh"' not in html
        assert why in text
        assert "The training was stopped before its end" in text
        assert " to go" not in text
        assert "This page follows" not in text


def test_a_smoothed_training_loss_is_not_compared_with_a_plain_one() -> None:
    sentence = "The training loss is that of labels smoothed by 0.2"
    assert sentence in Page(render(replace(FACTS, label_smoothing=0.2), history=epochs(2))).text
    assert sentence not in Page(render(FACTS, history=epochs(2))).text
    assert sentence not in Page(render(replace(FACTS, label_smoothing=0.2, val_images=0), history=epochs(2))).text


def test_live_page_before_the_first_epoch() -> None:
    text = Page(render(FACTS, history=[], live=True)).text
    assert "Training: 0 of 4 epochs done" in text
    assert "The first epoch is under way" in text


def test_page_without_test_images() -> None:
    text = Page(render(FACTS, history=epochs(3))).text
    assert "There are no test images" in text
    assert "of the validation images recognised, after epoch 3" in text


def test_page_without_validation() -> None:
    page = Page(render(FACTS, history=epochs(3, validated=False), evaluation=scored()))
    assert "No images were held out for validation" in page.text
    assert page.tags.count("svg") == 2  # the loss, and how true the probabilities are


def test_note_is_shown_where_an_accuracy_is() -> None:
    note = "Only the first 600 of 6,000 test images are there."
    assert note in Page(render(FACTS, history=epochs(2), evaluation=scored(note=note))).text
    live = TrainingFacts(data="pets", model="convnet", num_classes=3, parameters=1, train_images=1, note=note)
    assert note in Page(render(live, history=epochs(1), live=True)).text


def test_the_same_network_is_promised_for_epochs_but_not_for_a_time() -> None:
    promise = "this command gives the same network"
    assert promise in Page(render(FACTS, history=epochs(4))).text
    timed = Page(render(replace(FACTS, epochs=None), history=epochs(4))).text
    assert promise not in timed
    assert "How many steps fit into its time" in timed


def test_rare_classes_and_the_range_test_are_told() -> None:
    rates = [10.0**power for power in range(-6, 2)]
    facts = replace(
        FACTS,
        class_counts={"cat": 900, "dog": 50, "fox": 50},
        range_test=suggest(rates, [2.3, 2.3, 2.2, 2.0, 1.5, 1.0, 0.9, 3.0], own=0.1),
    )
    page = Page(render(facts, history=epochs(2), evaluation=scored()))
    assert "Rare in training, with less than half of an even share of the images each, are dog, fox: " in page.text
    assert "5.0 % rare" in page.text
    assert "The range test chose the peak learning rate 0.1, as nine tenths of the loss's fall were done" in page.text
    assert page.tags.count("svg") == 4


def test_many_classes_get_a_picture() -> None:
    names = tuple(f"class {i}" for i in range(30))
    page = Page(render(FACTS, history=epochs(2), evaluation=scored(names)))
    assert page.tags.count("picture") == 1
    assert "Show all 30 classes" in page.text
    assert "Taken for" in page.text


def test_unused_files_beyond_fifty_are_counted() -> None:
    unused = [Unused(f"{i}.txt", "not an image") for i in range(1234)]
    facts = TrainingFacts(data="pets", model="convnet", num_classes=3, parameters=1, train_images=1, unused=unused)
    text = Page(render(facts, history=[])).text
    assert "1,234 files were found but took no part." in text
    assert "And 1,184 more." in text


def test_text_keeps_its_contrast() -> None:
    """WCAG 2.2 on either paper: 4.5 for the colours words are written in, 3 for the line beside the note."""
    css = render(FACTS, history=[])
    papers = re.findall(r"--paper: (#\w+); --ink: (#\w+); --faint: (#\w+);.*?--accent: (#\w+); --caution: (#\w+)", css)
    assert len(papers) == 2
    for paper, ink, faint, accent, caution in papers:
        assert min(contrast(color, paper) for color in (ink, faint, accent)) >= 4.5
        assert contrast(caution, paper) >= 3


def test_drawing_is_quick_enough_for_every_epoch() -> None:
    """Training waits for the page after each epoch: 20 ms are allowed on one core, a few are used."""
    history = epochs(100)
    render(FACTS, history=history, live=True)
    times = []
    for _ in range(10):
        start = time.process_time()
        render(FACTS, history=history, live=True)
        times.append(time.process_time() - start)
    assert min(times) < 0.02


def test_drawing_everything_is_quick(report_parts: Callable[..., Any]) -> None:
    """The images are small here: what is left is laying out, which a person who waits for a report may not notice."""
    parts = report_parts(10)
    whole(parts)
    times = []
    for _ in range(3):
        start = time.process_time()
        whole(parts)
        times.append(time.process_time() - start)
    assert min(times) < 0.6
