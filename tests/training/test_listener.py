"""Several listeners are one, and a training tells them everything in order."""

from pathlib import Path
from typing import Any

import pytest

import sightline
from sightline.training.listener import Listener, Listeners

EVENTS = ("say", "working", "audit", "begin", "stage", "range_test", "epoch", "checkpoint", "stop", "result")


class Diary(Listener):
    """Writes down the name of every event."""

    def __init__(self, name: str = "", pages: list[str] | None = None) -> None:
        self.name, self.pages = name, [] if pages is None else pages

    def __getattribute__(self, attribute: str) -> Any:
        if attribute in EVENTS:
            self.pages.append(f"{self.name}{attribute}")
        return super().__getattribute__(attribute)


def test_each_is_told_everything_in_its_turn() -> None:
    pages: list[str] = []
    both = Listeners([Diary("first ", pages), Diary("second ", pages)])
    nothing: Any = None
    both.say("a line")
    both.audit(nothing)
    both.begin(nothing, nothing, nothing, resumed=False)
    both.stage(nothing)
    both.range_test(nothing, nothing)
    both.epoch(nothing)
    both.checkpoint(3)
    both.stop("why")
    both.result(nothing, None, seconds=1.0)
    with both.working("reading"):
        pages.append("inside")
    events = ["say", "audit", "begin", "stage", "range_test", "epoch", "checkpoint", "stop", "result", "working"]
    assert pages == [f"{name} {event}" for event in events for name in ("first", "second")] + ["inside"]


def test_a_training_from_beginning_to_end(tmp_path: Path) -> None:
    diary = Diary()
    sightline.train(
        "digits", model="lenet5", epochs=2, device="cpu", out=tmp_path / "run", report="quick", quiet=True,
        listeners=[diary],
    )  # fmt: skip
    events = [event for event in diary.pages if event not in ("working", "say")]
    assert events == ["begin", "epoch", "epoch", "checkpoint", "result"]


def test_what_a_listener_raises_ends_the_training(tmp_path: Path) -> None:
    class Refusal(Listener):
        def checkpoint(self, step: int) -> None:
            raise RuntimeError(f"no room after step {step}")

    with pytest.raises(RuntimeError, match="no room after step 80"):
        sightline.train(
            "digits", model="lenet5", epochs=2, batch_size=32, device="cpu", out=tmp_path / "run", quiet=True,
            listeners=[Refusal()],
        )  # fmt: skip
    assert (tmp_path / "run" / "checkpoint" / "state.pt").exists()
