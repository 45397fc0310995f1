import pytest

from sightline.commands.models import backbone_table, model_table
from sightline.errors import InputError


def test_our_own_networks_come_first_and_timms_are_mentioned() -> None:
    lines = model_table().splitlines()
    assert lines[0].split() == ["model", "parameters", "size", "channels", "what", "it", "is"]
    assert lines[1].startswith("alexnet ")
    assert lines[-1] == "and timm's by their names there: `sightline models --pretrained`"
    assert "timm" not in model_table("resnet18")


def test_a_name_that_only_timm_has_lists_timms() -> None:
    lines = model_table("mobilenetv2_1").splitlines()
    assert lines[1].split() == ["mobilenetv2_100", "224", "3", "from", "timm"]
    assert all("mobilenetv2_1" in line for line in lines[1:])


def test_a_name_nobody_has_gets_the_nearest() -> None:
    with pytest.raises(InputError, match="there is no network with 'lenet6' in its name: did you mean lenet5"):
        model_table("lenet6")
    with pytest.raises(InputError, match="no network with 'resnet51' in its name is compared: did you mean"):
        backbone_table("resnet51")


def test_the_comparison_names_its_source() -> None:
    table = backbone_table("mobilenetv2")
    header, row, _, *notes = table.splitlines()
    columns = ["model", "parameters", "multiply-adds", "size", "top-1", "at", "MB", "licence", "of", "the", "weights"]
    assert header.split() == columns
    assert row.split() == ["mobilenetv2_100", "3.5", "M", "0.30", "G", "224", "73.0", "224", "14", "apache-2.0"]
    assert "results-imagenet.csv" in notes[1]
    assert len(notes) == 2


def test_speed_is_a_column_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.commands.models.measure", lambda *_, **__: 1234.4)
    header, row, _, *notes = backbone_table("mobilenetv2", device="cpu").splitlines()
    assert "images/s" in header
    assert row.split()[-2:] == ["1,234", "apache-2.0"]
    assert notes[2].startswith("images/s: measured here on cpu in ")
