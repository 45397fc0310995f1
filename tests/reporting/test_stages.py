"""What two stages of a transfer are told as."""

import dataclasses

from sightline.evaluation.intervals import format_percent
from sightline.reporting.stages import stage_accuracy, stages_sentence
from sightline.runs.records import Stage

FROZEN = Stage(name="frozen", what="a linear head", correct=80, total=100, seconds=9.0)
TUNED = Stage(name="fine-tuned", what="the whole network", correct=87, total=100, seconds=90.0)


def test_an_accuracy_has_its_interval() -> None:
    assert stage_accuracy(FROZEN) == format_percent(80, 100)
    assert stage_accuracy(dataclasses.replace(FROZEN, correct=0, total=0)) == "\N{EN DASH}"


def test_one_stage_is_said_to_be_one() -> None:
    alone = "Only the new head was trained; the pretrained network stayed as it was."
    assert stages_sentence([dataclasses.replace(FROZEN, correct=0, total=0)]) == alone
    assert stages_sentence([FROZEN]) == (
        f"{alone} Validation judged a head that had not seen its images; the one kept has learnt from them, too."
    )


def test_the_first_stage_of_an_unfinished_training() -> None:
    expected = "The new head is trained; fine-tuning has not come to its end."
    assert stages_sentence([FROZEN], unfinished=True) == expected


def test_as_many_with_less_loss_is_not_called_more() -> None:
    as_many = dataclasses.replace(TUNED, correct=80)
    assert stages_sentence([dataclasses.replace(FROZEN, kept=False), as_many]) == (
        "Fine-tuning recognised no more of the validation images, but with less loss, so it is kept."
    )


def test_the_better_of_two_stages_is_named_with_its_gain() -> None:
    first = dataclasses.replace(FROZEN, kept=False)
    assert stages_sentence([first, TUNED]) == "Fine-tuning paid: +7 of 100 validation images, so it is kept."


def test_a_second_stage_that_did_not_pay_is_dropped() -> None:
    worse = dataclasses.replace(TUNED, correct=80, kept=False)
    assert stages_sentence([FROZEN, worse]) == (
        "Fine-tuning did not recognise more of the validation images, so the first stage is kept."
    )


def test_without_validation_images_nothing_is_said_to_have_paid() -> None:
    first = dataclasses.replace(FROZEN, correct=0, total=0, kept=False)
    second = dataclasses.replace(TUNED, correct=0, total=0)
    assert stages_sentence([first, second]) == (
        "There are no validation images to say whether fine-tuning paid; it was asked for, so it is kept."
    )
