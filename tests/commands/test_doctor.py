import importlib.metadata
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest
import torch

from sightline.cli import main
from sightline.commands import doctor
from sightline.commands.doctor import Remark, report


def the_only(remarks: Iterator[Remark], topic: str) -> Remark:
    """The only remark on a topic."""
    (remark,) = (remark for remark in remarks if remark.topic == topic)
    return remark


def test_the_report_lists_levels_and_advice_and_counts_them() -> None:
    remarks = [Remark("python", "3.11.7"), Remark("disk", "0.1 GB free", "free some space", "note")]
    assert report(remarks) == (
        "ok    python  3.11.7\nnote  disk    0.1 GB free\n              -> free some space\n\n0 to fix, 1 to note."
    )
    assert report(remarks[:1]).endswith("\n\nNothing to fix.")


def test_the_command_examines_this_machine(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    assert main(["doctor"]) == 0
    page = capsys.readouterr().out
    for text in ("python ", f"torch {torch.__version__.split('+')[0]}", "GB free", "cores usable", "digits", "mnist"):
        assert text in page
    assert " would be downloaded when first used" in page


def test_the_command_fails_when_something_must_be_fixed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", "/no/such/folder")
    assert main(["doctor"]) == 1
    page = capsys.readouterr().out
    assert "fix  data         SIGHTLINE_DATA is /no/such/folder, and there is no such folder" in page
    assert "-> set it to a folder that exists, or unset it" in page


def test_a_broken_torch_is_a_line_not_a_crash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    assert main(["doctor"]) == 1
    assert "torch        does not work: import of torch halted" in capsys.readouterr().out


def test_old_and_missing_packages_come_with_the_command_that_installs_them(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"pillow": "12.1.0", "torch": "2.15.0+cu130"}

    def version(name: str) -> str:
        if name not in versions:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions[name]

    requirements = ["pillow>=13.0.0", "torch>=2.11", "rich>=14.0", 'ruff>=0.17; extra == "dev"']
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: requirements)
    monkeypatch.setattr(importlib.metadata, "version", version)
    assert list(doctor._packages()) == [
        Remark("packages", "pillow 12.1.0, torch 2.15.0+cu130"),
        Remark("pillow", "12.1.0 does not fit >=13.0.0", "pip install --upgrade 'pillow>=13.0.0'", "fix"),
        Remark("rich", "is not installed", "pip install 'rich>=14.0'", "fix"),
    ]


@pytest.mark.parametrize(
    ("version", "old"),
    [("2.15.0+cu130", False), ("2.12.0.dev20261101", False), ("2.9.9", True), ("2.11rc1", True), ("own build", True)],
)
def test_versions_are_compared_as_python_packages_are(version: str, old: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["torch>=2.11"])
    monkeypatch.setattr(importlib.metadata, "version", lambda _: version)
    assert any(remark.level == "fix" for remark in doctor._packages()) == old


def test_a_version_that_is_too_new_does_not_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: ["torch<3,>=2.11"])
    monkeypatch.setattr(importlib.metadata, "version", lambda _: "3.0.1")
    remark = the_only(doctor._packages(), "torch")
    assert (remark.text, remark.advice) == ("3.0.1 does not fit <3,>=2.11", "pip install --upgrade 'torch<3,>=2.11'")


def test_without_packaging_its_absence_is_the_remark(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], cache: Path
) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "packaging"]:
        monkeypatch.setitem(sys.modules, name, None)
    assert main(["doctor"]) == 1
    remarks, problems = capsys.readouterr()
    assert "fix  packaging    is not installed, so that the other packages cannot be examined" in remarks
    assert "-> pip install packaging" in remarks
    assert problems == ""


@pytest.mark.parametrize(
    ("module", "package", "topic"),
    [("platformdirs", "platformdirs", "cache"), ("PIL", "pillow", "images")],
)
def test_a_check_is_left_out_whose_package_is_missing(
    module: str,
    package: str,
    topic: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    cache: Path,
) -> None:
    versions = importlib.metadata.version

    def version(name: str) -> str:
        if name == package:
            raise importlib.metadata.PackageNotFoundError(name)
        return versions(name)

    assert topic in {remark.topic for remark in doctor.examine()}
    monkeypatch.setattr(importlib.metadata, "requires", lambda _: [package])
    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setitem(sys.modules, module, None)
    topics = {remark.topic for remark in doctor.examine()}
    assert topic not in topics
    assert {"python", "run folders", "gpu"} <= topics
    assert the_only(iter(doctor.examine()), package).text == "is not installed"
    assert main(["doctor"]) == 1
    assert "unexpected" not in capsys.readouterr().err


def test_a_package_that_is_broken_is_named_once(monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    def broken() -> Iterator[Remark]:
        raise ImportError("cannot import name '_imaging' from 'PIL'", name="PIL.Image")
        yield

    monkeypatch.setattr(doctor, "_image_formats", broken)
    monkeypatch.setattr(doctor, "_data_sets", broken)
    remark = the_only(iter(doctor.examine()), "pillow")
    assert remark.text == "does not work: cannot import name '_imaging' from 'PIL'"
    assert (remark.level, remark.advice) == ("fix", "install it again: pip install --force-reinstall pillow")


def test_little_memory_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = type("Memory", (), {"total": 8 * 10**9, "available": 10**9})
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory)
    advice = "close other programs, or train with a smaller --batch-size"
    assert list(doctor._memory()) == [Remark("memory", "8.0 GB, 1.0 GB of it available", advice, "note")]
    memory.available = 4 * 10**9
    assert list(doctor._memory()) == [Remark("memory", "8.0 GB, 4.0 GB of it available")]
    monkeypatch.setitem(sys.modules, "psutil", None)  # not installed, which is a remark about packages
    assert list(doctor._of_installed(doctor._memory)) == []


def test_a_container_with_less_time_than_cores_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    monkeypatch.setattr(doctor, "CPU_QUOTA", quota)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    quota.write_text("250000 100000\n")
    remark = the_only(doctor._threads(), "cpu")
    assert remark.text.endswith("but this container is given the time of 2.5")
    assert (remark.level, remark.advice[:21]) == ("note", "set OMP_NUM_THREADS=2")
    quota.write_text("max 100000\n")
    assert the_only(doctor._threads(), "cpu").level == "ok"
    quota.unlink()
    assert the_only(doctor._threads(), "cpu").level == "ok"


def test_idle_cores_are_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(doctor, "CPU_QUOTA", tmp_path / "absent")
    monkeypatch.setattr("sightline.machine.threads.usable_cores", lambda: 16)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    assert the_only(doctor._threads(), "cpu").advice == "unset OMP_NUM_THREADS (it is 1)"


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_a_disk_that_is_nearly_full_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**12, 10**12, 4 * 10**8))
    remark = the_only(doctor._disk(), "run folders")
    assert remark == Remark("run folders", f"{tmp_path}/runs, 0.4 GB free", "free some space", "note")


def test_a_folder_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    remark = the_only(doctor._disk(), "run folders")
    assert (remark.text, remark.level) == (f"{tmp_path}/runs cannot be written", "note")


def test_a_driver_torch_cannot_use_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(doctor, "NVIDIA_DRIVER", tmp_path)
    assert the_only(doctor._accelerator(), "gpu").text.startswith("there is an NVIDIA driver, but torch ")
    monkeypatch.setattr(doctor, "NVIDIA_DRIVER", tmp_path / "absent")
    assert the_only(doctor._accelerator(), "gpu") == Remark("gpu", "none; the CPU is used")


def test_what_trainings_keep_is_counted_and_cleared(capsys: pytest.CaptureFixture[str], cache: Path) -> None:
    remark = the_only(doctor._caches(), "kept")
    assert remark.text.startswith("decoded images take 0.0 GB (")
    assert (remark.text[-15:], remark.advice) == ("features 0.0 GB", "")
    sizes = {"pixels/16x16-crop-0/pixels.bin": 2_500_000, "features/abc/1.safetensors": 1_500_000, "mnist/x.gz": 9}
    for name, size in sizes.items():
        (cache / name).parent.mkdir(parents=True)
        (cache / name).write_bytes(bytes(size))
    assert the_only(doctor._caches(), "kept").advice.startswith("sightline doctor --clear-cache deletes them")
    assert main(["doctor", "--clear-cache"]) == 0
    assert capsys.readouterr().out == f"4.0 MB deleted from {cache / 'pixels'} and {cache / 'features'}\n"
    assert [name for name in sizes if (cache / name).exists()] == ["mnist/x.gz"]


def test_an_old_python_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert the_only(doctor._python(), "python").level == "ok"
    monkeypatch.setattr(sys, "version_info", (3, 10, 4))
    remark = the_only(doctor._python(), "python")
    assert (remark.advice, remark.level) == ("use Python 3.11 or newer", "fix")


def test_a_copy_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> list[str]:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", missing)
    assert list(doctor._packages()) == [
        Remark("packages", "sightline itself is not installed", "install it: pip install sightline", "note")
    ]


def test_every_gpu_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    card = type("Properties", (), {"name": "H100", "total_memory": 85 * 10**9})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda index: card)
    assert list(doctor._accelerator())[:2] == [Remark("gpu", f"cuda:{i} H100, 85 GB") for i in (0, 1)]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert next(doctor._accelerator()) == Remark("gpu", "mps (Apple)")


def test_formats_that_cannot_be_read_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert the_only(doctor._image_formats(), "images").level == "ok"
    monkeypatch.setattr("PIL.features.check", lambda feature: feature not in ("webp", "avif"))
    remark = the_only(doctor._image_formats(), "images")
    assert (remark.text, remark.level) == ("Pillow was built without WebP, AVIF", "note")
    assert remark.advice.endswith("pip install --force-reinstall --only-binary :all: pillow")


def test_the_folder_of_data_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path))
    assert Remark("data", f"SIGHTLINE_DATA is {tmp_path}") in list(doctor._data_sets())


def test_a_processor_without_a_name_in_proc(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text("processor\t: 0\nmodel name\t: Tiny Core 3\n")
    monkeypatch.setattr(doctor, "CPU_INFO", tmp_path / "cpuinfo")
    assert doctor._processor() == "Tiny Core 3"
    monkeypatch.setattr(doctor, "CPU_INFO", tmp_path / "absent")
    monkeypatch.setattr("platform.processor", lambda: "arm")
    assert doctor._processor() == "arm"
