import subprocess
import sys
from dataclasses import FrozenInstanceError

import pytest
import torch

from sightline.config import from_json, to_json
from sightline.errors import ConfigError, ModelError
from sightline.models import registry
from sightline.models.registry import Architecture, create_model, find_architecture, find_model, list_models

# name: size, channels, classes, trainable parameters. Sources: the project's table for the textbook networks; He et al.
# 2015, table 6 (0.27 M to 1.7 M) for resnet20 to resnet110; torchvision for the networks of ImageNet.
PUBLISHED = {
    "lenet5": (32, 1, 10, 61_706),
    "convnet": (28, 1, 10, 206_922),
    "mnist_cnn": (28, 1, 10, 121_930),
    "basic_cnn": (32, 3, 10, 73_738),
    "cifar_cnn": (32, 3, 10, 2_168_362),
    "custom_cnn": (32, 3, 10, 815_530),
    "resnet_tiny": (32, 3, 10, 685_322),
    "resnet_mini": (224, 3, 10, 2_787_594),
    "resnet20": (32, 3, 10, 269_722),
    "resnet32": (32, 3, 10, 464_154),
    "resnet44": (32, 3, 10, 658_586),
    "resnet56": (32, 3, 10, 853_018),
    "resnet110": (32, 3, 10, 1_727_962),
    "resnet18": (224, 3, 1000, 11_689_512),
    "resnet34": (224, 3, 1000, 21_797_672),
    "alexnet": (224, 3, 1000, 61_100_840),
    "vgg11": (224, 3, 1000, 132_863_336),
    "vgg13": (224, 3, 1000, 133_047_848),
    "vgg16": (224, 3, 1000, 138_357_544),
    "vgg19": (224, 3, 1000, 143_667_240),
    "vgg11_bn": (224, 3, 1000, 132_868_840),
    "vgg13_bn": (224, 3, 1000, 133_053_736),
    "vgg16_bn": (224, 3, 1000, 138_365_992),
    "vgg19_bn": (224, 3, 1000, 143_678_248),
    "resnet18_small": (32, 3, 10, 11_173_962),
    "resnet34_small": (32, 3, 10, 21_282_122),
    "alexnet_small": (32, 3, 10, 5_871_434),
    "vgg11_small": (32, 3, 10, 9_750_922),
    "vgg13_small": (32, 3, 10, 9_935_434),
    "vgg16_small": (32, 3, 10, 15_245_130),
    "vgg19_small": (32, 3, 10, 20_554_826),
    "vgg11_small_bn": (32, 3, 10, 9_756_426),
    "vgg13_small_bn": (32, 3, 10, 9_941_322),
    "vgg16_small_bn": (32, 3, 10, 15_253_578),
    "vgg19_small_bn": (32, 3, 10, 20_565_834),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_published_size_and_exact_parameter_count(name: str) -> None:
    entry = find_model(name)
    assert (entry.size, entry.in_channels, entry.num_classes, entry.parameters) == PUBLISHED[name]


def test_the_parameters_of_a_built_network_are_those_of_its_entry() -> None:
    network = create_model("custom_cnn", num_classes=10)
    assert sum(parameter.numel() for parameter in network.parameters()) == 815_530
    assert sum(buffer.numel() for name, buffer in network.named_buffers() if "running" in name) == 1_408


def test_an_outline_has_the_shapes_of_a_built_network_and_draws_no_random_number() -> None:
    architecture = find_architecture("speednet", num_classes=7)
    before = torch.get_rng_state()
    outline = architecture.outline()
    assert torch.equal(torch.get_rng_state(), before)
    built = architecture.build()
    assert {k: v.shape for k, v in outline.state_dict().items()} == {k: v.shape for k, v in built.state_dict().items()}


def test_lenet_has_the_same_parameters_for_28_pixels_padded_by_2() -> None:
    network = create_model("lenet5", num_classes=10, size=28)
    assert network.input_shape == (1, 28, 28)
    assert sum(parameter.numel() for parameter in network.parameters()) == 61_706


def test_the_list_is_sorted_and_can_be_filtered() -> None:
    names = [entry.name for entry in list_models()]
    assert names == sorted(names)
    assert set(PUBLISHED) <= set(names)
    assert [entry.name for entry in list_models("LeNet")] == ["lenet5"]
    assert list_models("transformer") == []


def test_every_network_is_described_and_only_custom_cnn_asks_for_l2() -> None:
    assert all(entry.description for entry in list_models())
    assert find_model("custom_cnn").l2 == 1e-4
    assert [entry.name for entry in list_models() if entry.l2] == ["custom_cnn"]


def test_unknown_names_get_the_nearest() -> None:
    with pytest.raises(ModelError) as caught:
        create_model("resnet_18", num_classes=10)
    assert str(caught.value).startswith("there is no network named 'resnet_18': did you mean resnet18")
    close = caught.value.hint.removeprefix("did you mean ").removesuffix("?").split(" or ")
    assert len(close) == len(set(close)) == 3  # though timm has a resnet18 too
    with pytest.raises(ModelError, match="there is no network named 'zzz': choose from alexnet, "):
        find_model("zzz")


def test_a_name_is_taken_once() -> None:
    build = find_model("lenet5").build
    with pytest.raises(ModelError, match="a network named 'lenet5' is already registered: choose another name"):
        registry.register("lenet5", size=32, description="another")(build)
    assert find_model("lenet5").build is build


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "vgg16", "size": 8}, "images of 8 x 8 pixels are too small (vgg16): use a size of 32 or more"),
        ({"name": "resnet18", "size": 0}, "images of 0 x 0 pixels are too small (resnet18): use a size of 32 or more"),
        ({"name": "lenet5", "size": -28}, "images of -28 x -28 pixels are too small (lenet5): use a size of 16 or"),
        ({"name": "convnet", "size": 28000}, "images of 28000 x 28000 pixels are too large (convnet): use a size of 4"),
        ({"name": "convnet", "in_channels": 0}, "in_channels is 0 (convnet): use 1 for grey, 3 for RGB"),
        ({"name": "convnet", "num_classes": 0}, "num_classes is 0 (convnet): a classifier needs 1 or more"),
    ],
)
def test_the_impossible_is_refused_before_torch_sees_it(settings: dict[str, int | str], message: str) -> None:
    with pytest.raises(ModelError) as caught:
        create_model(**{"num_classes": 10, **settings})
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", [entry.name for entry in list_models()])
def test_every_network_works_at_its_min_size(name: str) -> None:
    entry = find_model(name)
    with torch.device("meta"):
        network = entry.build(2, entry.in_channels, entry.min_size).eval()
        assert network(torch.empty(1, entry.in_channels, entry.min_size, entry.min_size)).shape == (1, 2)


# The padding of ResNet-18 and -34 fills maps that would be empty: below their min_size all they see is padding.
@pytest.mark.parametrize("name", [name for name in PUBLISHED if not name.startswith(("resnet18", "resnet34"))])
def test_one_pixel_less_than_min_size_leaves_an_empty_map(name: str) -> None:
    entry = find_model(name)
    size = entry.min_size - 1
    with torch.device("meta"):
        image = torch.empty(1, entry.in_channels, size, size)
        # torch refuses the empty map, or warns of the linear layer without inputs that would follow it.
        with pytest.raises((RuntimeError, UserWarning)):
            entry.build(2, entry.in_channels, size).eval()(image)


def test_an_architecture_is_json_and_builds_its_network() -> None:
    architecture = find_architecture("convnet", num_classes=5, size=20)
    assert architecture == Architecture(name="convnet", num_classes=5, in_channels=1, size=20)
    plain = to_json(architecture)
    assert plain == {"name": "convnet", "num_classes": 5, "in_channels": 1, "size": 20, "options": {}, "hidden": 0}
    assert from_json(Architecture, plain) == architecture
    network = architecture.build()
    assert network.input_shape == (1, 20, 20)
    assert network(torch.zeros(1, 1, 20, 20)).shape == (1, 5)


def test_an_architecture_cannot_be_changed_or_made_up() -> None:
    architecture = find_architecture("convnet", num_classes=5)
    with pytest.raises(FrozenInstanceError):
        architecture.size = 3  # type: ignore[misc]
    with pytest.raises(ModelError, match="there is no network named 'convnett'"):
        Architecture(name="convnett", num_classes=5, in_channels=1, size=28)
    with pytest.raises(ConfigError, match="expected int, found '28'"):
        from_json(Architecture, {"name": "convnet", "num_classes": 5, "in_channels": 1, "size": "28"})


def test_the_same_seed_gives_the_same_weights() -> None:
    def weights() -> torch.Tensor:
        torch.manual_seed(3)
        return create_model("resnet_tiny", num_classes=4).stages[0].conv.weight

    assert torch.equal(weights(), weights())


def test_architectures_are_found_without_being_imported_first() -> None:
    code = "from sightline.models.registry import list_models; print(len(list_models('vgg')))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "16"
