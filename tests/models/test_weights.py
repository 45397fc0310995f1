import pytest
import torch

from sightline.errors import ModelError
from sightline.models.weights import rename_layers


def test_the_first_rule_that_matches_a_whole_layer_name_renames_it() -> None:
    state = {"conv.weight": torch.ones(1), "layer3.bn.running_mean": torch.zeros(2)}
    rules = {r"conv": "stem", r"layer(\d)\.bn": r"stages.\1.norm", r"layer.*": "unused"}
    renamed = rename_layers(state, rules, where="a test")
    assert list(renamed) == ["stem.weight", "stages.3.norm.running_mean"]
    assert renamed["stem.weight"] is state["conv.weight"]


def test_an_unknown_tensor_is_named() -> None:
    with pytest.raises(ModelError) as caught:
        rename_layers({"convolution.weight": torch.ones(1)}, {"conv": "stem"}, where="torchvision's ResNet")
    assert str(caught.value) == (
        "unknown tensor 'convolution.weight' (torchvision's ResNet): use the weights of the same architecture"
    )
