"""What this machine offers, what Sightline makes of it, and what to fix.

Works, and says so, where torch is missing or broken: it is imported inside the checks that need it.
"""

import contextlib
import importlib.metadata
import os
import platform
import re
import shutil
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from sightline import __version__
from sightline.reporting.text_table import text_table

OLDEST_PYTHON = (3, 11)
LOW_DISK = 1e9  # bytes; a run folder takes 1 to 1,200 MB, most of it the checkpoint
LOW_MEMORY = 2e9  # bytes
CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")  # of a container: microseconds of CPU time for each period
CPU_INFO = Path("/proc/cpuinfo")
NVIDIA_DRIVER = Path("/proc/driver/nvidia")


@dataclass(frozen=True)
class Remark:
    """One line of the examination. level: "fix" stops Sightline from working, "note" makes it slower or poorer."""

    topic: str
    text: str
    advice: str = ""
    level: Literal["ok", "note", "fix"] = "ok"


def examine() -> list[Remark]:
    """Everything there is to say about this machine, the most basic first."""
    remarks = [*_python(), *_packages(), *_of_installed(_memory), *_disk()]
    try:
        import torch  # noqa: F401 - to see whether it works
    except (ImportError, OSError) as error:
        return [*remarks, _broken("torch", error, "torchvision")]
    checks = (_accelerator, _precision, _threads, _image_formats, _caches, _data_sets)
    remarks += [remark for check in checks for remark in _of_installed(check)]
    return list(dict.fromkeys(remarks))  # several checks may come upon the same broken package


def report(remarks: list[Remark]) -> str:
    """The remarks as a table, the advice below each, and a sentence that says how many there are to mend."""
    rows: list[tuple[str, str, str]] = []
    for remark in remarks:
        rows.append((remark.level, remark.topic, remark.text))
        if remark.advice:
            rows.append(("", "", f"-> {remark.advice}"))
    fixes, notes = (sum(remark.level == level for remark in remarks) for level in ("fix", "note"))
    ending = f"{fixes} to fix, {notes} to note." if fixes or notes else "Nothing to fix."
    return f"{text_table(rows)}\n\n{ending}"


def clear_caches() -> str:
    """Delete the decoded images and the features that trainings have kept; a sentence that says how much this frees."""
    from sightline.data.store.pixel_cache import cache_size, clear, pixel_folder
    from sightline.training.feature_cache import clear_features, feature_folder

    freed, rest = clear() + clear_features(), cache_size()
    sentence = f"{freed / 1e6:,.1f} MB deleted from {pixel_folder()} and {feature_folder()}"
    return f"{sentence}; {rest / 1e6:,.1f} MB are just being written" if rest else sentence


def _of_installed(check: Callable[[], Iterator[Remark]]) -> Iterator[Remark]:
    """The remarks of a check, none where it needs a package that is not installed: `_packages` names that one."""
    try:
        yield from check()
    except ModuleNotFoundError:
        return
    except ImportError as error:
        module = (error.name or "").partition(".")[0]
        (package, *_) = importlib.metadata.packages_distributions().get(module, ["sightline"])
        yield _broken(package, error)


def _broken(package: str, error: Exception, *others: str) -> Remark:
    """others: packages that have to be installed again with it."""
    reason = (str(error).splitlines() or ["no reason is given"])[0]
    advice = f"install it again: pip install --force-reinstall {' '.join([package, *others])}"
    return Remark(package, f"does not work: {reason}", advice, "fix")


def _python() -> Iterator[Remark]:
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    yield Remark("sightline", f"{__version__} in {Path(__file__).parents[1]}")
    text = f"{platform.python_version()} on {system}"
    if sys.version_info < OLDEST_PYTHON:
        yield Remark("python", text, "use Python 3.11 or newer", "fix")
    else:
        yield Remark("python", text)


def _packages() -> Iterator[Remark]:
    """The installed version of every package that Sightline's metadata asks for."""
    try:
        from packaging.requirements import Requirement
    except ModuleNotFoundError:
        text = "is not installed, so that the other packages cannot be examined"
        yield Remark("packaging", text, "pip install packaging", "fix")
        return
    try:
        required = [Requirement(text) for text in importlib.metadata.requires("sightline") or []]
    except importlib.metadata.PackageNotFoundError:
        yield Remark("packages", "sightline itself is not installed", "install it: pip install sightline", "note")
        return
    versions, remarks = [], []
    for requirement in required:
        if requirement.marker and not requirement.marker.evaluate():  # a tool for developers, or an optional extra
            continue
        name = requirement.name
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            remarks.append(Remark(name, "is not installed", f"pip install '{requirement}'", "fix"))
            continue
        if not requirement.specifier.contains(version, prereleases=True):
            text = f"{version} does not fit {requirement.specifier}"
            remarks.append(Remark(name, text, f"pip install --upgrade '{requirement}'", "fix"))
        versions.append(f"{name} {version}")
    yield Remark("packages", ", ".join(versions))
    yield from remarks


def _memory() -> Iterator[Remark]:
    import psutil

    memory = psutil.virtual_memory()
    text = f"{memory.total / 1e9:.1f} GB, {memory.available / 1e9:.1f} GB of it available"
    if memory.available < LOW_MEMORY:
        yield Remark("memory", text, "close other programs, or train with a smaller --batch-size", "note")
    else:
        yield Remark("memory", text)


def _disk() -> Iterator[Remark]:
    """Whether there is room and permission for run folders here and for data sets in the cache."""
    places = {"run folders": Path("runs").absolute()}
    with contextlib.suppress(ModuleNotFoundError):  # `_packages` names it
        import platformdirs

        places["cache"] = Path(platformdirs.user_cache_dir("sightline", False))
    for topic, folder in places.items():
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        free = shutil.disk_usage(existing).free
        text = f"{folder}, {free / 1e9:.1f} GB free"
        if not os.access(existing, os.W_OK):
            advice = (
                "train with --out FOLDER" if topic == "run folders" else "set XDG_CACHE_HOME, or use SIGHTLINE_DATA"
            )
            yield Remark(topic, f"{folder} cannot be written", advice, "note")
        elif free < LOW_DISK:
            yield Remark(topic, text, "free some space", "note")
        else:
            yield Remark(topic, text)


def _accelerator() -> Iterator[Remark]:
    import torch

    with warnings.catch_warnings(record=True) as notices:  # torch warns about a driver that is too old
        warnings.simplefilter("always")
        usable = torch.cuda.is_available()
    if usable:
        for index in range(torch.cuda.device_count()):
            device = torch.cuda.get_device_properties(index)
            yield Remark("gpu", f"cuda:{index} {device.name}, {device.total_memory / 1e9:.0f} GB")
    elif torch.backends.mps.is_available():
        yield Remark("gpu", "mps (Apple)")
    elif NVIDIA_DRIVER.exists():
        reason = str(notices[0].message).splitlines()[0] if notices else f"torch {torch.__version__} cannot use it"
        advice = "update the driver, or install a torch built for it: https://pytorch.org/get-started"
        yield Remark("gpu", f"there is an NVIDIA driver, but {reason}", advice, "note")
    else:
        yield Remark("gpu", "none; the CPU is used")


def _precision() -> Iterator[Remark]:
    from sightline.machine.device import find_device, find_precision

    device = find_device("auto")
    precision = find_precision("auto", device)
    yield Remark("precision", f"{precision.name} on {device}: {precision.reason}")


def _threads() -> Iterator[Remark]:
    """Whether torch computes on the cores there are."""
    import torch

    from sightline.machine.threads import usable_cores

    cores, threads, quota = usable_cores(), torch.get_num_threads(), _cpu_quota()
    computes = "1 thread" if threads == 1 else f"{threads} threads"
    text = f"{_processor()}, {cores} of {os.cpu_count()} cores usable, torch computes with {computes}"
    if quota is not None and quota < threads:
        advice = f"set OMP_NUM_THREADS={max(1, int(quota))}: more threads than that only wait for each other"
        yield Remark("cpu", f"{text}, but this container is given the time of {quota:g}", advice, "note")
    elif "OMP_NUM_THREADS" in os.environ and threads < cores // 2:
        yield Remark("cpu", text, f"unset OMP_NUM_THREADS (it is {os.environ['OMP_NUM_THREADS']})", "note")
    else:
        yield Remark("cpu", text)


def _image_formats() -> Iterator[Remark]:
    from PIL import features

    readers = {"JPEG": "jpg", "PNG": "zlib", "WebP": "webp", "AVIF": "avif", "TIFF": "libtiff"}
    missing = [name for name, feature in readers.items() if not features.check(feature)]
    if missing:
        advice = "install Pillow as a wheel: pip install --force-reinstall --only-binary :all: pillow"
        yield Remark("images", f"Pillow was built without {', '.join(missing)}", advice, "note")
    else:
        yield Remark("images", f"{', '.join(readers)}, BMP, GIF and PNM can be read")


def _caches() -> Iterator[Remark]:
    """What decoded images, and what pretrained networks say of them, take on the disk."""
    from sightline.data.store.pixel_cache import cache_size, default_budget
    from sightline.training.feature_cache import features_size

    images, most, features = cache_size(), default_budget(), features_size()
    text = f"decoded images take {images / 1e9:.1f} GB ({most / 1e9:.1f} GB at most), features {features / 1e9:.1f} GB"
    advice = "sightline doctor --clear-cache deletes them; they are made anew when needed" if images + features else ""
    yield Remark("kept", text, advice)


def _data_sets() -> Iterator[Remark]:
    """Where named data sets are looked for, and which are there."""
    from sightline.data.sources.builtin import NAMES, is_here

    folder = os.environ.get("SIGHTLINE_DATA")
    if folder and not Path(folder).expanduser().is_dir():
        advice = "set it to a folder that exists, or unset it"
        yield Remark("data", f"SIGHTLINE_DATA is {folder}, and there is no such folder", advice, "fix")
    elif folder:
        yield Remark("data", f"SIGHTLINE_DATA is {folder}")
    here = [name for name in NAMES if is_here(name)]
    rest = [name for name in NAMES if name not in here]
    text = f"{', '.join(here)} on this machine"
    yield Remark("data", f"{text}; {', '.join(rest)} would be downloaded when first used" if rest else text)


def _processor() -> str:
    """The CPU's name."""
    try:
        match = re.search(r"^model name\s*:\s*(.+)$", CPU_INFO.read_text(), re.MULTILINE)
    except OSError:
        match = None
    return match[1] if match else platform.processor() or platform.machine()


def _cpu_quota() -> float | None:
    """How many cores' time this container may use; None when there is no limit."""
    try:
        limit, period = CPU_QUOTA.read_text().split()
    except (OSError, ValueError):
        return None
    return None if limit == "max" else int(limit) / int(period)
