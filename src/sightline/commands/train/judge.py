"""The only step that looks at the test images: the classifier scored on them, once."""

import time
from dataclasses import dataclass

from sightline.commands.train.learn import Learned
from sightline.commands.train.naive import score_naively
from sightline.commands.train.open import Opened
from sightline.data.imageset import Unused
from sightline.data.store.stamps import changed_files
from sightline.evaluation.evaluate import Evaluation, evaluate
from sightline.runs.records import NaiveScore
from sightline.training.listener import Listener


@dataclass(frozen=True, eq=False)
class Judged:
    """evaluation: on the test images, None without any; it took `seconds`. naive: see `naive.score_naively`.

    changed: files that are not what they were when training began.
    """

    evaluation: Evaluation | None
    seconds: float
    naive: NaiveScore | None = None
    changed: tuple[Unused, ...] = ()


def judge(opened: Opened, learned: Learned, *, listener: Listener | None = None) -> Judged:
    """Score on the test images, and train once more on a careless split where the job says so.

    Raises what `evaluate` and `learn` raise.
    """
    listener = listener or Listener()
    splits = opened.splits
    began = time.monotonic()
    evaluation = evaluate(learned.classifier, splits.test) if splits.test else None
    seconds = time.monotonic() - began
    naive = score_naively(opened, evaluation, listener) if opened.job.naive_too else None
    changed = tuple(file for part in (splits.train, splits.val, splits.test) for file in changed_files(part))
    return Judged(evaluation, seconds, naive, changed)
