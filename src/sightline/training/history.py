"""history.jsonl, written as the epochs end."""

import dataclasses

from sightline.runs.run import Run
from sightline.training.fit import Epoch
from sightline.training.listener import Listener


class HistoryFile(Listener):
    """Adds every epoch to the history of `run`."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def epoch(self, epoch: Epoch) -> None:
        self.run.append_history(dataclasses.asdict(epoch))
