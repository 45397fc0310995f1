"""Several listeners are one, and a training tells them everything in order."""

from pathlib import Path
from typing import Any

import pytest

import sightline
from sightline.errors import ConfigError, Interrupted, StorageError
from sightline.training.listener import Listener, Listeners, stop_told

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


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (StorageError("the disk is full", hint="free some"), "Stopped: the disk is full"),
        (Interrupted("stopped after step 3", hint="go on with: it"), "Stopped; go on with: it"),
        (ValueError("no such thing"), "Stopped: no such thing"),
        (KeyboardInterrupt(), "Stopped: KeyboardInterrupt"),
    ],
)
def test_whatever_ends_a_training_early_is_told(error: BaseException, reason: str) -> None:
    class Hearing(Listener):
        reasons: list[str] = []  # noqa: RUF012

        def stop(self, reason: str) -> None:
            self.reasons.append(reason)

    Hearing.reasons.clear()
    with pytest.raises(type(error)), stop_told(Hearing()):
        raise error
    with stop_told(Hearing()):
        pass
    assert Hearing.reasons == [reason]


def test_an_error_while_scoring_stops_the_page_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StorageError("the disk is full")

    monkeypatch.setattr("sightline.commands.train.train.judge", fail)
    diary = Diary()
    with pytest.raises(StorageError):
        sightline.train(
            "digits", model="lenet5", epochs=1, device="cpu", out=tmp_path / "run", quiet=True, listeners=[diary]
        )
    assert "stop" in diary.pages
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Stopped: the disk is full" in page
    assert 'http-equiv="refresh"' not in page


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


@pytest.mark.parametrize("listeners", [[Diary], ["diary"], Listener()])
def test_what_is_no_listener_is_refused_before_anything_is_read(listeners: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"is no listener in a list: give instances of subclasses of sightline.Listener"
    ):
        sightline.train("nowhere", listeners=listeners)
