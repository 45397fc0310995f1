"""`sightline report` writes a run's page and card anew, whole and true to what the training found, or says why not."""

import html
import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image
from safetensors.torch import save_file

import sightline
from sightline.cli import main
from sightline.commands.report import write_full_report
from sightline.errors import ConfigError, DataError, RunError
from sightline.evaluation.intervals import format_percent
from sightline.reporting.naive import naive_sentence
from sightline.reporting.stages import stages_sentence
from sightline.runs.records import read_metrics
from sightline.runs.run import Run

MODEL = "test_resnet"  # timm's smallest
OF_EVERY_RUN = {"summary", "classes", "confusion", "calibration", "learning", "trained", "repeat"}
OF_A_LOOK = {"slices", "map", "growth", "machine"}  # what a quick report does without


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this module's own: for its data, its weights and its cache."""
    return tmp_path_factory.mktemp("report")


@pytest.fixture(scope="module", autouse=True)
def own_cache(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sightline.machine.cache.cache_folder", lambda: folder / "cache")
        yield


@pytest.fixture(scope="module")
def pets(folder: Path) -> Path:
    """Twenty blotchy photos each of dark cats and light dogs, and a copy of every other one."""
    noise = np.random.default_rng(0)
    for name, mean in (("cat", 90), ("dog", 150)):
        (folder / "pets" / name).mkdir(parents=True)
        for number in range(20):
            coarse = np.clip(noise.normal(mean, 50, (6, 6, 3)), 0, 255).astype(np.uint8)
            path = folder / "pets" / name / f"{number:02}.png"
            Image.fromarray(coarse).resize((40, 40), Image.Resampling.BICUBIC).save(path)
            if number % 2:
                shutil.copy(path, path.with_name(f"copy of {path.name}"))
    return folder / "pets"


@pytest.fixture(scope="module")
def transferred(pets: Path, folder: Path) -> Run:
    """Both stages of a transfer, a range test and a careless split: a page with every section."""
    torch.manual_seed(0)
    about = {"input_size": "32", "mean": "[0.5,0.5,0.5]", "std": "[0.25,0.25,0.25]", "architecture": f"timm:{MODEL}"}
    state = {name: tensor.contiguous() for name, tensor in timm.create_model(MODEL).state_dict().items()}
    save_file(state, folder / "tiny.safetensors", metadata=about | {"licence": "CC0", "source": "a test"})
    return sightline.train(
        pets,
        model=MODEL,
        weights=folder / "tiny.safetensors",
        finetune="all",
        epochs=2,
        lr="auto",
        naive_too=True,
        device="cpu",
        precision="fp32",
        out=folder / "transferred",
        quiet=True,
    )


@pytest.fixture(scope="module")
def quick(pets: Path, folder: Path) -> Run:
    """A small network of which only a quick report was asked for."""
    options = {"model": "lenet5", "size": 32, "epochs": 1, "report": "quick", "device": "cpu", "quiet": True}
    return sightline.train(pets, out=folder / "quick", **options)


@pytest.fixture
def copied(tmp_path: Path) -> Callable[[Run], Run]:
    """Make a copy of a run, to write in."""
    return lambda run: Run(shutil.copytree(run.path, tmp_path / "runs" / run.name))


@pytest.fixture
def copied_data(transferred: Run, pets: Path, tmp_path: Path, copied: Callable[[Run], Run]) -> tuple[Run, Path]:
    """A copy of the transfer that was trained on a copy of the photos, which may be spoilt."""
    run, data = copied(transferred), Path(shutil.copytree(pets, tmp_path / "pets"))
    run.config_path.write_text(json.dumps(run.config | {"data": str(data)}))
    return run, data


def text(run: Run) -> str:
    """The page as people read it: without markup and entities, spaces as they are typed."""
    page = run.report_path.read_text(encoding="utf-8")
    words = html.unescape(re.sub(r"<(style|script)>.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL))
    return re.sub(r"\s+", " ", words)


def sections(run: Run) -> set[str]:
    """What the page's sections are called in its HTML."""
    return set(re.findall(r'<section aria-labelledby="(\w+)"', run.report_path.read_text(encoding="utf-8")))


# When it was written, how long the audit took; and pictures, which a training has at its network's size, a report anew
# at that of the files.
PASSING = re.compile(r"""\d+ \w+ 20\d\d(, \d\d:\d\d)?|checked in [\d.]+ s|--width: \d+px|data:image[^"')]*""")


def lasting(page: Path) -> list[str]:
    """The lines of a page or a card, without what differs from one writing to the next."""
    return PASSING.sub("", page.read_text(encoding="utf-8")).splitlines()


def card(run: Run) -> Path:
    return run.model_folder / "README.md"


def test_page_and_card_are_those_that_the_training_wrote(
    transferred: Run, copied: Callable[[Run], Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = copied(transferred)
    run.report_path.unlink()
    card(run).unlink()
    others = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    assert main(["report", str(run.path), "--device", "cpu"]) == 0
    assert capsys.readouterr().out == f"{run.report_path}\n"
    assert lasting(run.report_path) == lasting(transferred.report_path)
    assert lasting(card(run)) == lasting(card(transferred))
    assert {path: path.read_bytes() for path in others} == others  # metrics.json and all else, byte for byte


def test_stages_range_test_audit_and_naive_split_are_told(transferred: Run, copied: Callable[[Run], Run]) -> None:
    run, metrics = copied(transferred), read_metrics(transferred)
    write_full_report(run.path, device="cpu")
    assert sections(run) >= OF_EVERY_RUN | OF_A_LOOK | {"stages", "naive", "audit"}
    page = text(run)
    assert format_percent(run.test["correct"], run.test["total"]) in page
    assert [stage.name for stage in metrics.stages] == ["frozen", "fine-tuned"]
    assert stages_sentence(metrics.stages) in page
    assert all(f"{stage.what} " in page for stage in metrics.stages)
    assert "Loss while the learning rate rises, before training" in page
    assert metrics.naive is not None
    assert naive_sentence(metrics.naive)[1:] in page  # its first letter is a capital here


def test_a_quick_report_becomes_a_whole_one(quick: Run, copied: Callable[[Run], Run]) -> None:
    run = copied(quick)
    assert f"A quick report was asked for; sightline report {quick.path} makes it whole." in text(run)
    assert not sections(run) & OF_A_LOOK
    metrics = run.metrics_path.read_bytes()
    assert write_full_report(run.path, device="cpu") == run.report_path
    assert "quick report" not in text(run)
    assert sections(run) >= OF_EVERY_RUN | OF_A_LOOK | {"audit"}
    assert not sections(run) & {"stages", "naive"}
    assert run.metrics_path.read_bytes() == metrics


def test_a_photo_that_broke_is_left_out_and_said(copied_data: tuple[Run, Path]) -> None:
    run, data = copied_data
    rows = (line.split(",") for line in run.split_path.read_text().splitlines())
    broken = next(row[0] for row in rows if "test" in row)
    (data / broken).write_bytes((data / broken).read_bytes()[:100])
    metrics = run.metrics_path.read_bytes()
    write_full_report(run.path, device="cpu")
    assert f"Note. 1 file is left out ({broken}: " in text(run)
    assert "unused" in sections(run)
    assert run.metrics_path.read_bytes() == metrics  # as the training left it


def test_a_training_that_is_not_complete_is_refused(quick: Run, copied: Callable[[Run], Run]) -> None:
    run = copied(quick)
    run.metrics_path.unlink()  # as if it had been stopped before the test images were scored
    page = run.report_path.read_bytes()
    with pytest.raises(RunError) as caught:
        write_full_report(run.path)
    assert str(caught.value) == (
        f"the training in {run.path} is not complete: go on with it: sightline train --resume {run.path}"
    )
    assert run.report_path.read_bytes() == page


def test_without_test_images_there_is_nothing_more_to_say(quick: Run, copied: Callable[[Run], Run]) -> None:
    run = copied(quick)
    rows = run.split_path.read_text().splitlines(keepends=True)
    run.split_path.write_text("".join(row for row in rows if ",test," not in row))
    with pytest.raises(RunError) as caught:
        write_full_report(run.path)
    assert str(caught.value) == f"this run has no test images ({run.split_path}): its page has all there is"


def test_photos_that_are_gone_or_changed_are_named(
    copied_data: tuple[Run, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    run, data = copied_data
    page = run.report_path.read_bytes()
    (data / "dog" / "03.png").rename(data / "cat" / "dog 03.png")
    assert main(["report", str(run.path)]) == 2
    images = len(run.split_path.read_text().splitlines()) - 1
    first = "the first is dog/03.png: put the data back as it was"
    assert f"1 of {images} recorded images are not in {data} any more, {first}" in " ".join(
        capsys.readouterr().err.split()
    )

    shutil.rmtree(data)
    with pytest.raises(DataError) as caught:
        write_full_report(run.path)
    assert str(caught.value) == f"there is no folder or file {data}: check the path"
    assert run.report_path.read_bytes() == page


def test_a_run_that_is_not_there_and_a_device_that_is_not_there(quick: Run, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"^there is no run folder .*nowhere: it may have been moved"):
        write_full_report(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"^there is no device 'tpu': use auto, cpu, cuda, cuda:1 or mps"):
        write_full_report(quick.path, device="tpu")
