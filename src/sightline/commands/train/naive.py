"""`--naive-too`: the same training on a split that ignores duplicates and groups, to see how much that flatters."""

import dataclasses

from sightline.commands.train.learn import learn
from sightline.commands.train.open import Opened, decoded, go_on, load_again, new_run
from sightline.data.imageset import Splits
from sightline.data.load import load_data
from sightline.errors import Interrupted
from sightline.evaluation.evaluate import Evaluation, evaluate
from sightline.reporting.live_page import LivePage
from sightline.reporting.naive import naive_sentence
from sightline.runs.records import NaiveScore
from sightline.runs.run import NAIVE, Run
from sightline.training.listener import Listener, Listeners


def score_naively(opened: Opened, evaluation: Evaluation | None, listener: Listener) -> NaiveScore | None:
    """What the careless training scores beside the honest `evaluation`, and says so; None where that is impossible.

    listener: hears of the careless training as of any; it should know that this is the second one. Interrupted, it goes
    on when the whole training does.
    """
    if evaluation is None:
        listener.say("there are no test images by which a naive split could flatter")
        return None
    naive = _open_naively(opened, listener)
    if naive is None or naive.splits.test is None:
        listener.say("a naive split would be the same: there are no duplicates or groups for it to tear apart")
        return None
    listener.say("training once more, on a split that ignores duplicates and groups")
    listener.begin(naive.run, naive.job, naive.splits, resumed=naive.resumed)
    try:
        learned = learn(
            naive, listener=Listeners([listener, LivePage(naive.run, naive.job, naive.splits, resumed=naive.resumed)])
        )
    except Interrupted as stop:
        raise Interrupted(stop.what, hint=f"go on with: {opened.run.resume_command}") from None
    flattering = evaluate(learned.classifier, naive.splits.test)
    score = NaiveScore(flattering.correct, flattering.total, evaluation.correct, evaluation.total)
    listener.say(naive_sentence(score))
    return score


def _open_naively(opened: Opened, listener: Listener) -> Opened | None:
    """The second training in a folder inside the run's, new or to go on with; None when its split would be the same."""
    folder = opened.run.path / NAIVE
    if (folder / opened.run.split_path.name).exists():  # the last that is written before training
        return go_on(Run(folder), listener)
    copies = opened.audit.duplicates if opened.audit else ()
    parts = (opened.splits.train, opened.splits.val, opened.splits.test)
    if not copies and not any(part.groups for part in parts if part):
        return None
    splits = load_data(opened.job.data, val=opened.job.val, seed=opened.job.config.seed, bind=False)
    if _held_out(splits) == _held_out(opened.splits) and len(splits.train) <= len(opened.splits.train):
        return None
    job = dataclasses.replace(opened.job, bound=False, naive_too=False)
    splits = decoded(splits, job, listener)
    if folder.exists():
        Run(folder).discard()
    return Opened(new_run(job, splits, folder), job, splits, load_again(job))


def _held_out(splits: Splits) -> set[str]:
    return {name for images in (splits.val, splits.test) if images for name in images.ids}
