"""The rules of the audit: each looks at one side of a data set and says what a person should know.

Severities: an error makes a score wrong or a training impossible; a warning may well hurt; an info is good to know.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from sightline.data.audit.duplicates import DuplicateGroup
from sightline.data.audit.file_facts import FileFacts
from sightline.data.audit.shortcuts import ALL, Shortcut
from sightline.data.imageset import ImageSet, Unused, UnusedKind

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = ("info", "warning", "error")

FEW = 20  # images; with fewer a class is learnt from luck
PARTS = 3  # training, validation and test: a class with fewer images cannot be in all of them
UNEVEN, VERY_UNEVEN = 3, 10  # largest class over smallest
TINY = 0.25  # of the median short side
OBLONG = 3.0  # longer side over shorter, where most images are not so
RARE = 0.05  # of the images: what fewer have is an exception, what more have is the nature of the data
FAR = 3.5  # robust standard deviations from the median
BLANK = 2.0  # levels; an image whose luma varies less shows nothing
NAMED = 3  # reasons or classes named in a sentence


@dataclass(frozen=True)
class Finding:
    """One thing found. kind: a word for programs, e.g. "leak"; what: a sentence.

    images: ids of those concerned. groups: for duplicates, which of them belong together. hint: what to do about it.
    """

    severity: Severity
    kind: str
    what: str
    images: tuple[str, ...] = ()
    hint: str = ""
    groups: tuple[tuple[str, ...], ...] = ()


def file_findings(unused: Sequence[Unused]) -> Iterator[Finding]:
    """Files that take no part: damaged ones, those beside the class folders, hidden ones, those left out on purpose."""
    kinds: dict[UnusedKind, list[Unused]] = {}
    for file in unused:
        kinds.setdefault(file.kind, []).append(file)
    for kind, files in sorted(kinds.items()):
        names = tuple(file.path for file in files)
        if kind == "unusable":
            what = f"{_count(len(files), 'file')} cannot be used: {_reasons(files)}"
            yield Finding("warning", kind, what, names, "replace them, or delete them if they do not matter")
        else:
            yield Finding("info", kind, f"{_count(len(files), 'file')} not used: {_reasons(files)}", names)


def class_findings(images: ImageSet, splits: Sequence[str]) -> Iterator[Finding]:
    """Classes with too few images to learn from, and classes of very different sizes, among the training images."""
    training = np.array([split in ("", "train") for split in splits])
    counts = dict(zip(images.classes, np.bincount(images.labels[training], minlength=len(images.classes)), strict=True))
    counts = {name: int(count) for name, count in counts.items() if count}
    is_split = any(split in ("val", "test") for split in splits)
    least = 1 if is_split else PARTS
    if len(counts) < 2:
        yield Finding(
            "error", "few-classes", "there are no two classes to tell apart", hint="add images of another class"
        )
    lacking = [name for name, count in counts.items() if count < least]
    if lacking:
        what = f"{_classes(lacking)} fewer than {least} images, too few for training, validation and test"
        yield Finding("error", "few-images", what, hint="add images, or leave the class out")
    few = [f"{name} ({count})" for name, count in counts.items() if least <= count < FEW]
    if few:
        what = f"{_classes(few)} fewer than {FEW} images to learn from"
        yield Finding("warning", "few-images", what, hint="add images: accuracy on so few is mostly luck")
    if len(counts) > 1:
        smallest, largest = min(counts, key=counts.__getitem__), max(counts, key=counts.__getitem__)
        ratio = counts[largest] / counts[smallest]
        if ratio >= UNEVEN:
            numbers = f"{largest} has {counts[largest]:,}, {smallest} {counts[smallest]:,}"
            what = f"the largest class has {ratio:.0f} times as many images as the smallest: {numbers}"
            hint = "look at every class's own recall, or train with --balance sampler"
            yield Finding("warning" if ratio >= VERY_UNEVEN else "info", "imbalance", what, hint=hint)


def appearance_findings(images: ImageSet, facts: FileFacts) -> Iterator[Finding]:
    """Images unlike the others in size, shape, colour, brightness or sharpness, and those turned by EXIF."""
    short, long = np.minimum(facts.width, facts.height), np.maximum(facts.width, facts.height)
    tiny = short < TINY * np.median(short)
    smallest = f"; the smallest has {short.min()} pixels on its short side, the median is {np.median(short):.0f}"
    yield from _exceptions(images, tiny, "info", "tiny", "far smaller than the others", smallest)
    oblong = long > OBLONG * short
    if oblong.mean() <= RARE:
        yield from _exceptions(images, oblong, "info", "oblong", f"more than {OBLONG:g} times as long as high or wide")
    if facts.rotated.any():
        yield from _exceptions(images, facts.rotated, "info", "rotated", "turned upright as EXIF says")
    if 0 < facts.grey.mean() <= RARE:
        yield from _exceptions(images, facts.grey, "info", "grey", "grey among images in colour")
    blank = facts.contrast < BLANK
    yield from _exceptions(
        images, blank, "warning", "blank", "of one plain colour", hint="nothing can be seen there; leave them out"
    )
    low, high = _outliers(facts.brightness, ~blank)
    yield from _exceptions(images, low, "info", "dark", "far darker than the others")
    yield from _exceptions(images, high, "info", "bright", "far brighter than the others")
    blurred, _ = _outliers(np.log(np.maximum(np.nan_to_num(facts.sharpness), 1e-6)), ~blank)
    yield from _exceptions(images, blurred, "info", "blurred", "far less sharp than the others")


def duplicate_findings(
    images: ImageSet, splits: Sequence[str], duplicates: Sequence[DuplicateGroup]
) -> Iterator[Finding]:
    """Copies with different labels, copies in different splits, and all the others."""
    labels = images.labels.tolist()
    for kind, word, severity in (("exact", "exact copies", "error"), ("near", "near-duplicates", "warning")):
        groups = [group for group in duplicates if group.kind == kind]
        conflicting = [group for group in groups if len({labels[i] for i in group.indices}) > 1]
        leaking = [group for group in groups if len({splits[i] for i in group.indices}) > 1]
        problems = {group.indices[0] for group in (*conflicting, *leaking)}  # an image is in one group only
        rest = [group for group in groups if group.indices[0] not in problems]
        assert severity in SEVERITIES
        if conflicting:
            what = f"{_groups(conflicting)} of {word} with different labels"
            hint = "decide which label is right, or leave them out in quarantine.csv"
            yield _of_groups(severity, "conflicting-labels", what, images, conflicting, hint)
        if leaking:
            count = sum(splits[i] in ("val", "test") for group in leaking for i in group.indices)
            copies = f"{_count(count, 'held-out image')} with a copy in another split"
            what = f"{_groups(leaking)} of {word} across the splits: {copies}"
            hint = "training leaves out the copies of held-out images; where that is not done, the score is too good"
            yield _of_groups(severity, "leak", what, images, leaking, hint)
        if rest:
            what = f"{_groups(rest)} of {word}"
            yield _of_groups("info", "duplicates", what, images, rest, "training keeps each on one side of the split")


def shortcut_findings(shortcuts: Sequence[Shortcut]) -> Iterator[Finding]:
    """Facts beside the subject that tell the class: each strong one by itself, the weaker ones in one sentence."""
    clear = [shortcut for shortcut in shortcuts if shortcut.is_clear and shortcut.fact != ALL]
    for shortcut in clear:
        if shortcut.is_strong:
            interval = f"{100 * shortcut.low:.0f} to {100 * shortcut.high:.0f}"
            what = (
                f"{shortcut.fact} alone tells the class of {100 * shortcut.accuracy:.0f} % ({interval}) of the images; "
                f"chance is {100 * shortcut.chance:.0f} %"
            )
            hint = "a network may learn this instead of the subject: mix the sources of every class"
            yield Finding("warning", "shortcut", what, hint=hint)
    weak = [f"{shortcut.fact} ({100 * shortcut.accuracy:.0f} %)" for shortcut in clear if not shortcut.is_strong]
    if weak:
        what = f"a little of the class can be told from {', '.join(weak)}; chance is {100 * clear[0].chance:.0f} %"
        yield Finding("info", "shortcut", what)


def _exceptions(
    images: ImageSet,
    chosen: NDArray[np.bool_],
    severity: Severity,
    kind: str,
    what: str,
    more: str = "",
    hint: str = "",
) -> Iterator[Finding]:
    ids = tuple(images.ids[i] for i in np.flatnonzero(chosen))
    if ids:
        yield Finding(severity, kind, f"{_count(len(ids), 'image')} {what}{more}", ids, hint)


def _outliers(values: NDArray[np.float32], usable: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which values (N,) are far below and far above the median, measured by the median absolute deviation."""
    if not usable.any():
        return np.zeros_like(usable), np.zeros_like(usable)
    median = np.median(values[usable])
    spread = 1.4826 * np.median(np.abs(values[usable] - median))  # 1.4826 makes it a normal law's standard deviation
    reach = FAR * max(float(spread), 1e-6)
    return usable & (values < median - reach), usable & (values > median + reach)


def _of_groups(
    severity: Severity, kind: str, what: str, images: ImageSet, groups: Sequence[DuplicateGroup], hint: str
) -> Finding:
    named = tuple(tuple(images.ids[i] for i in group.indices) for group in groups)
    return Finding(severity, kind, what, tuple(name for group in named for name in group), hint, named)


def _groups(groups: Sequence[DuplicateGroup]) -> str:
    return f"{_count(len(groups), 'group')} ({_count(sum(len(group.indices) for group in groups), 'image')})"


def _classes(names: Sequence[str]) -> str:
    listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return f"{_count(len(names), 'class', 'classes')} ({listed}) {'has' if len(names) == 1 else 'have'}"


def _reasons(files: Sequence[Unused]) -> str:
    counts = Counter(file.reason for file in files)
    listed = "; ".join(f"{count:,} x {reason}" for reason, count in counts.most_common(NAMED))
    return listed + (f"; and {len(counts) - NAMED} other reasons" if len(counts) > NAMED else "")


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one}" if number == 1 else f"{number:,} {many or one + 's'}"
