from pathlib import Path

import pytest
import torch

from sightline.errors import ModelError
from sightline.models.weights import fit_channels, parameters_in, read_weights_file, rename_layers


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


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match=r"^there is no file .*gone\.pt: give a file of weights"):
        read_weights_file(tmp_path / "gone.pt")
    path = tmp_path / "other.pt"
    path.write_bytes(b"no weights")
    with pytest.raises(ModelError, match=r"^no file of plain weights: .*other\.pt"):
        read_weights_file(path)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(ModelError) as caught:
        read_weights_file(path)
    assert str(caught.value) == f"cannot read the weights: permission denied ({path}): check the file"


def test_statistics_of_batch_norm_are_no_parameters() -> None:
    state = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.BatchNorm2d(4)).state_dict()
    assert parameters_in(state) == 4 * 3 * 9 + 4 + 4 + 4


@pytest.mark.parametrize(("channels", "expected"), [(1, [6]), (2, [1.5, 3]), (4, [0.75, 1.5, 2.25, 0.75])])
def test_filters_for_rgb_meet_other_channels(channels: int, expected: list[float]) -> None:
    """1, 2 and 3 by hand: summed for grey, taken in turn and scaled for more."""
    filters = {"conv.weight": torch.tensor([1.0, 2.0, 3.0]).view(1, 3, 1, 1), "fc.weight": torch.ones(2, 3)}
    wanted = {"conv.weight": torch.empty(1, channels, 1, 1), "fc.weight": torch.empty(5, 3)}
    fitted = fit_channels(filters, wanted)
    assert fitted["conv.weight"].flatten().tolist() == expected
    assert fitted["fc.weight"] is filters["fc.weight"]
