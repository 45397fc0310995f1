"""As many threads as the process may use cores; imports ahead of use."""

import os
import sys
from pathlib import Path

import pytest

from sightline.machine.threads import import_ahead, usable_cores


def test_what_the_process_may_use_counts_not_what_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 5, 7}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert usable_cores() == 3


@pytest.mark.parametrize(("count", "cores"), [(8, 8), (None, 1)])
def test_where_the_system_does_not_say_all_that_are_there(
    count: int | None, cores: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: count)
    assert usable_cores() == cores


def test_a_module_is_imported_ahead_and_what_fails_is_not_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ahead_of_use.py").write_text("answer = 42")
    (tmp_path / "broken_ahead.py").write_text("raise KeyboardInterrupt")
    monkeypatch.syspath_prepend(tmp_path)
    for name in ("ahead_of_use", "broken_ahead", "not_there_at_all"):
        import_ahead(name).join(60)
    assert sys.modules.pop("ahead_of_use").answer == 42
    assert "broken_ahead" not in sys.modules
    assert capfd.readouterr() == ("", "")
