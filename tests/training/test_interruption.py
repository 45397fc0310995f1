"""Signals become a flag, and only within the block."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

import pytest

from sightline.errors import Interrupted
from sightline.training.interruption import interruption

received: list[int] = []


def remember(number: int, frame: FrameType | None) -> None:
    received.append(number)


@pytest.fixture(autouse=True)
def known_handlers() -> Iterator[None]:
    """Handlers of our own, whatever pytest was started with, and its own ones afterwards."""
    received.clear()
    before = {number: signal.signal(number, remember) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_sets_the_flag(number: signal.Signals) -> None:
    with contextlib.suppress(Interrupted), interruption() as request:
        assert not request
        send(number)
        assert request
        assert request.signal == number
        raise Interrupted("the training looked at the flag and stopped")
    assert received == []


def test_handlers_are_restored() -> None:
    with interruption():
        assert signal.getsignal(signal.SIGINT) != remember
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == [remember, remember]
    with contextlib.suppress(Interrupted), interruption():
        raise Interrupted("stopped")
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == [remember, remember]


def test_a_second_signal_stops_at_once() -> None:
    with interruption():
        send(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is remember


def test_a_signal_nobody_looked_at_is_passed_on() -> None:
    with interruption():
        send(signal.SIGTERM)
    assert received == [signal.SIGTERM]


def test_ignored_signals_stay_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interruption() as request:
        send(signal.SIGINT)
        assert not request
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_in_another_thread_nothing_is_touched() -> None:
    outcome: list[object] = []

    def work() -> None:
        with interruption() as request:
            outcome.append((bool(request), signal.getsignal(signal.SIGINT)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert outcome == [(False, remember)]
