"""What the page says first: what was found, and what to do about it."""

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

from sightline.reporting.material import Material
from sightline.reporting.overview import overview


def test_everything_that_is_known_is_said(report_parts: Callable[..., Any]) -> None:
    parts = report_parts(5)
    result = overview(parts.evaluation, parts.material)
    assert [line.what for line in result.lines] == [
        *("Weakest class", "Commonest confusion", "Probabilities", "Unknown", "Labels", "More images")
    ]
    assert result.lines[4].words == "60 of the test images look wrong"
    assert result.steps[0].startswith("Look at the 60 labels that look wrong")
    assert result.steps[1] == "Collect more images of class 0: 50 are worth about 3 points of its recall."


def test_nothing_is_advised_that_the_figures_do_not_say(report_parts: Callable[..., Any]) -> None:
    parts = report_parts(2, perfect=True)
    result = overview(parts.evaluation, Material())
    assert [line.what for line in result.lines] == ["Weakest class", "Probabilities"]
    assert len(result.steps) == 1
    assert result.steps[0].startswith("Try it on images that are like those it will meet")


def test_a_gain_that_may_be_none_is_no_advice(report_parts: Callable[..., Any]) -> None:
    parts = report_parts(5)
    gains = [
        SimpleNamespace(**vars(part) | {"gain": replace(part.gain, low=-0.01)})
        for part in parts.material.forecast.classes
    ]
    forecast = SimpleNamespace(**vars(parts.material.forecast) | {"classes": gains})
    steps = overview(parts.evaluation, Material(forecast=forecast)).steps
    assert not any(step.startswith("Collect") for step in steps)


def test_errors_of_the_audit_come_first(report_parts: Callable[..., Any]) -> None:
    audit: Any = SimpleNamespace(findings=[SimpleNamespace(severity="error")])
    assert overview(report_parts(5).evaluation, Material(), audit=audit).steps[0].startswith("Mend what the audit")
