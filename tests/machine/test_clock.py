"""Time since the user began to wait, and what a budget leaves."""

import time

import pytest

from sightline.machine.clock import Clock


@pytest.fixture
def at_a_thousand(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", lambda: 1000.0)


def test_it_runs_since_it_was_made_or_since_the_time_given(at_a_thousand: None) -> None:
    assert Clock().elapsed == 0
    assert Clock(990.0).elapsed == 10


def test_scoring_and_the_report_are_kept_back_of_a_budget(at_a_thousand: None) -> None:
    assert Clock(990.0).remaining(100) == pytest.approx(100 - 3 - 2 - 10)
    assert Clock(900.0).remaining(100) < 0
