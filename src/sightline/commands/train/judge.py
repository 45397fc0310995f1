"""The only step that scores test images: the classifier's answers on them, once."""

import time
from dataclasses import dataclass

from sightline.commands.train.learn import Learned
from sightline.commands.train.open import Opened
from sightline.data.imageset import Unused
from sightline.data.store.stamps import changed_files
from sightline.evaluation.evaluate import Evaluation, evaluate


@dataclass(frozen=True, eq=False)
class Judged:
    """evaluation: on the test images, None without any; it took `seconds`.

    changed: files that are not what they were when training began.
    """

    evaluation: Evaluation | None
    seconds: float
    changed: tuple[Unused, ...] = ()


def judge(opened: Opened, learned: Learned) -> Judged:
    """Score on the test images. Raises what `evaluate` raises."""
    splits = opened.splits
    began = time.monotonic()
    evaluation = evaluate(learned.classifier, splits.test) if splits.test else None
    seconds = time.monotonic() - began
    changed = tuple(file for part in (splits.train, splits.val, splits.test) for file in changed_files(part))
    return Judged(evaluation, seconds, changed)
