import pytest
import torch

from sightline.models.comparison import Backbone, list_backbones, measure, named_by_parameters
from sightline.models.hub import timm_config
from sightline.models.registry import find_architecture
from sightline.models.summary import summary

LIGHT = [row for row in list_backbones() if row.parameters < 6e6]


def count_again(row: Backbone) -> None:
    counted = summary(find_architecture(row.name, num_classes=1000).outline())
    assert (counted.parameters, counted.multiply_adds) == (row.parameters, row.multiply_adds)
    assert counted.input_shape == (3, row.size, row.size)


@pytest.mark.parametrize("row", LIGHT, ids=lambda row: row.name)
def test_costs_are_what_we_count(row: Backbone) -> None:
    count_again(row)


@pytest.mark.slow
@pytest.mark.parametrize(
    "row", sorted(set(list_backbones()) - set(LIGHT), key=lambda row: row.name), ids=lambda r: r.name
)
def test_costs_of_the_larger_ones_are_what_we_count(row: Backbone) -> None:
    count_again(row)


@pytest.mark.parametrize("row", list_backbones(), ids=lambda row: row.name)
def test_weights_and_licence_are_timms_default(row: Backbone) -> None:
    config = timm_config(row.name)
    assert row.weights == f"{config.architecture}.{config.tag}"
    assert row.licence == config.license
    assert row.size == config.input_size[1]
    assert row.top1_size in (config.input_size[1], (config.test_input_size or config.input_size)[1])


def test_the_best_comes_first_and_names_can_be_filtered() -> None:
    rows = list_backbones()
    assert len(rows) >= 40
    assert [row.top1 for row in rows] == sorted((row.top1 for row in rows), reverse=True)
    assert {row.name for row in list_backbones("VGG")} == {"vgg11", "vgg16", "vgg16_bn", "vgg19", "vgg19_bn"}
    resnet50 = next(row for row in rows if row.name == "resnet50")
    assert (resnet50.top1, resnet50.top1_size) == (81.214, 288)
    assert resnet50.megabytes == pytest.approx(102.2, abs=0.1)


def test_a_network_is_known_by_its_parameters() -> None:
    assert named_by_parameters(3_504_872) == "mobilenetv2_100"
    assert named_by_parameters(12) == ""


def test_speed_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sightline.models.comparison.SECONDS", 0.01)
    monkeypatch.setattr("sightline.models.comparison.BATCH", 2)
    row = next(row for row in list_backbones() if row.name == "mobilenetv3_small_100")
    assert measure(row, device=torch.device("cpu"), bf16=False) > 0.1
