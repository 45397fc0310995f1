"""Modules that have moved are importable by the names that README and docs gave them, and are the same modules."""

import importlib
import subprocess
import sys

import pytest

from sightline.moved import MOVED, keep_old_names


@pytest.mark.parametrize("old", sorted(MOVED))
def test_the_old_name_is_the_same_module(old: str) -> None:
    new = importlib.import_module(MOVED[old])
    assert importlib.import_module(old) is new
    assert (new.__name__, new.__spec__.name) == (MOVED[old], MOVED[old])  # type: ignore[union-attr]


def test_a_class_is_one_class_whichever_name_comes_first() -> None:
    """In a Python of its own: which name comes first matters only once."""
    script = """
from sightline.models.resnet import BasicBlock as old_first
from sightline.models.zoo.resnet import BasicBlock as new_second
from sightline.models.zoo.speednet import Whitening as new_first
from sightline.models.speednet import Whitening as old_second
assert old_first is new_second and new_first is old_second
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_other_names_are_still_unknown() -> None:
    with pytest.raises(ModuleNotFoundError, match=r"No module named 'sightline\.models\.resnext'"):
        importlib.import_module("sightline.models.resnext")


def test_asked_twice_the_names_are_kept_once() -> None:
    before = list(sys.meta_path)
    keep_old_names()
    assert sys.meta_path == before
