"""What went wrong, where, and how to fix it, as one sentence; near names are suggested."""

import pytest

from sightline import errors
from sightline.errors import (
    ConfigError,
    DataError,
    ImageError,
    InputError,
    Interrupted,
    RunError,
    SightlineError,
    near,
)


@pytest.mark.parametrize(
    ("where", "hint", "sentence"),
    [
        ("", "", "epochs is 0"),
        ("config.json", "", "epochs is 0 (config.json)"),
        ("", "use 1 or more", "epochs is 0: use 1 or more"),
        ("config.json", "use 1 or more", "epochs is 0 (config.json): use 1 or more"),
    ],
)
def test_one_sentence(where: str, hint: str, sentence: str) -> None:
    error = ConfigError("epochs is 0", where=where, hint=hint)
    assert str(error) == sentence
    assert (error.what, error.where, error.hint) == ("epochs is 0", where, hint)


def test_what_the_user_can_mend_exits_with_2_and_all_else_with_1() -> None:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, SightlineError)]
    codes = {kind: kind.exit_code for kind in kinds}
    assert codes.pop(Interrupted) == 130  # as a shell has it after Ctrl-C
    assert len(codes) >= 10
    for kind, code in codes.items():
        assert code == (2 if issubclass(kind, InputError) else 1), kind


def test_an_images_reason_stands_beside_its_name() -> None:
    error = ImageError("cannot decode a.png: it ends early", reason="it ends early", where="a.png")
    assert (error.reason, str(error)) == ("it ends early", "cannot decode a.png: it ends early (a.png)")
    assert ImageError("cannot decode it").reason == "cannot decode it"
    assert isinstance(error, DataError)
    assert not isinstance(error, RunError)


NAMES = ["cifar10", "cifar100", "digits", "fashion-mnist", "mnist"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("digit", "did you mean digits?"),
        ("CIFAR10", "did you mean cifar10 or cifar100?"),
        ("zebra", "choose from cifar10, cifar100, digits, fashion-mnist, mnist"),
        ("", "choose from cifar10, cifar100, digits, fashion-mnist, mnist"),
    ],
)
def test_near_names(name: str, hint: str) -> None:
    assert near(name, [*NAMES, "digits"]) == hint  # a name that comes twice is suggested once


def test_at_most_ten_names_are_listed() -> None:
    hint = near("zebra", [f"number {i:02}" for i in range(12)])
    assert hint == "choose from " + ", ".join(f"number {i:02}" for i in range(10)) + ", ..."
    assert near("zebra", [f"number {i:02}" for i in range(10)]).endswith("number 09")
