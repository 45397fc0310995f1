"""The time machine in a browser: scrubbed, driven by the keyboard, following a training that runs."""

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from sightline.inspection import read_snapshots
from sightline.inspection.snapshots import snapshot_path, write_snapshot
from sightline.lab.workspace import Workspace
from sightline.runs.run import Run

from .conftest import OpenPage, answering
from .test_rooms import serious, until


def test_it_scrubs_through_the_training(open_page: OpenPage, run_port: int, digits_run: Run) -> None:
    page = open_page("time.html", port=run_port)
    snapshots = read_snapshots(digits_run.snapshots_folder)
    first, last = snapshots[0], snapshots[-1]
    until(page, f"document.querySelector('#position').textContent === 'epoch {last.epoch}'")
    right = 100 * (last.truth == last.predicted).mean()
    until(page, f"document.querySelector('#finding').textContent.includes('{right:.1f} %')")
    answer = page.locator(".answer").first.inner_text()
    best = int(last.probabilities[0].argmax())
    assert answer.endswith(f"{last.probes.classes[best]}, {100 * last.probabilities[0, best]:.1f} %")
    page.get_by_label("Epoch", exact=True).focus()
    page.keyboard.press("Home")
    until(page, f"document.querySelector('#position').textContent === 'epoch {first.epoch}'")
    right = 100 * (first.truth == first.predicted).mean()
    until(page, f"document.querySelector('#finding').textContent.includes('{right:.1f} %')")
    assert page.get_by_label("One snapshot back").is_disabled()
    page.get_by_label("One snapshot forward").click()
    until(page, f"document.querySelector('#position').textContent === 'epoch {snapshots[1].epoch}'")
    label = page.locator("#accuracy svg").get_attribute("aria-label")
    assert f"{100 * digits_run.history[snapshots[1].epoch - 1]['val_accuracy']:.1f} %" in label


@pytest.mark.parametrize(("width", "scheme"), [(1400, "light"), (400, "dark")])
def test_it_fits_and_is_accessible(open_page: OpenPage, run_port: int, width: int, scheme: str) -> None:
    page = open_page("time.html", port=run_port, width=width, scheme=scheme)
    until(page, "document.querySelectorAll('#probes li').length > 1 && document.querySelector('#kernels').width > 10")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert serious(page) == []


def test_without_a_run_it_says_what_to_type(open_page: OpenPage) -> None:
    page = open_page("time.html")
    page.locator("#problem").wait_for()
    assert "start it with one: sightline lab RUN" in page.locator("#problem").inner_text()


def test_a_head_on_a_frozen_network_has_no_epochs(open_page: OpenPage, digits_run: Run, tmp_path: Path) -> None:
    left_out = shutil.ignore_patterns("history.jsonl", "snapshots")
    shutil.copytree(digits_run.path, tmp_path / "run", ignore=left_out)
    for port in answering(Workspace(tmp_path / "run")):
        page = open_page("time.html", port=port)
        page.locator("#problem").wait_for()
        assert "Train it with --finetune auto to watch one learn" in page.locator("#problem").inner_text()


def test_it_follows_a_training(open_page: OpenPage, digits_run: Run, tmp_path: Path) -> None:
    """Epoch after epoch appears in a folder; a line that is half written does not."""
    lines = digits_run.history_path.read_text().splitlines(keepends=True)
    snapshots = sorted(digits_run.snapshots_folder.glob("0*.npz"))
    shutil.copy(digits_run.config_path, tmp_path / "config.json")
    run = Run(tmp_path)
    for port in answering(Workspace(tmp_path)):
        page = open_page("time.html", port=port)
        until(page, "document.querySelector('#live').textContent.includes('0 epochs so far')")
        run.snapshots_folder.mkdir()
        shutil.copy(digits_run.snapshots_folder / "probes.npz", run.snapshots_folder)
        shutil.copy(snapshots[0], run.snapshots_folder)
        run.history_path.write_text(lines[0] + lines[1][:20])
        until(page, "document.querySelector('#live').textContent.includes('1 epoch so far')")
        until(page, "document.querySelectorAll('#probes li').length > 1")
        run.history_path.write_text("".join(lines))
        shutil.copy(snapshots[-1], run.snapshots_folder)
        until(page, f"document.querySelector('#position').textContent === 'epoch {int(snapshots[-1].stem)}'")
        until(page, "document.querySelector('#live').textContent.includes('3 epochs so far')")
        shutil.copytree(digits_run.model_folder, run.model_folder)
        shutil.copy(digits_run.metrics_path, run.metrics_path)
        until(page, "document.querySelector('#live').textContent === 'This training is over.'")


def test_it_stays_at_its_epoch_when_another_gives_way(open_page: OpenPage, digits_run: Run, tmp_path: Path) -> None:
    """Snapshots are thinned while a training runs: the one looked at moves to another place among them."""
    shutil.copy(digits_run.config_path, tmp_path / "config.json")
    shutil.copy(digits_run.history_path, tmp_path)
    run = Run(tmp_path)
    shutil.copytree(digits_run.snapshots_folder, run.snapshots_folder)
    snapshots = read_snapshots(run.snapshots_folder)
    first, second, last = snapshots[0].epoch, snapshots[-1].epoch, snapshots[-1].epoch + 1
    write_snapshot(run.snapshots_folder, dataclasses.replace(snapshots[-1], epoch=last))
    for port in answering(Workspace(tmp_path)):
        page = open_page("time.html", port=port)
        until(page, f"document.querySelector('#position').textContent === 'epoch {last}'")
        page.get_by_label("Epoch", exact=True).focus()
        page.keyboard.press("Home")
        page.get_by_label("One snapshot forward").click()
        until(page, f"document.querySelector('#position').textContent === 'epoch {second}'")
        assert not page.get_by_label("Follow the newest").is_checked()
        snapshot_path(run.snapshots_folder, first).unlink()
        until(page, f"document.querySelector('#scrub').max === '{len(snapshots) - 1}'")
        assert page.locator("#position").inner_text() == f"epoch {second}"
        assert page.locator("#scrub").input_value() == "0"


def test_another_run_is_not_taken_for_the_end_of_this_one(open_page: OpenPage, digits_run: Run, tmp_path: Path) -> None:
    shutil.copy(digits_run.config_path, tmp_path / "config.json")
    workspace = Workspace(tmp_path)
    for port in answering(workspace):
        page = open_page("time.html", port=port)
        until(page, "document.querySelector('#live').textContent.includes('0 epochs so far')")
        workspace.open(digits_run.path)
        until(page, "document.querySelector('#live').textContent.startsWith('The lab shows another run')")


def test_ctrl_c_ends_a_lab_whose_events_are_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    code = f"from pathlib import Path; from sightline.lab.server import serve; serve(Path({str(tmp_path)!r}), port=0, "
    command = [sys.executable, "-c", code + "open_browser=False)"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as lab:
        assert lab.stdout is not None
        address = lab.stdout.readline().split()[-1].replace("/?", "/data/live?")
        with urllib.request.urlopen(address, timeout=20) as events:
            assert events.readline() == b"event: state\n"
            assert json.loads(events.readline().removeprefix(b"data: "))["history"] == []
            started = time.monotonic()
            lab.send_signal(signal.SIGINT)
            assert b'event: end\ndata: {"why":"closed"}' in events.read()
        assert lab.communicate(timeout=20)[1] == ""
        assert lab.returncode == 0
        assert time.monotonic() - started < 10
