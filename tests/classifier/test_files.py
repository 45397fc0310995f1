"""A saved model is two files that can hold no code; old ones are brought to the present, damaged ones are named."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from sightline.classifier.confidence import ConformalRule, UnknownRule
from sightline.classifier.files import (
    ModelDescription,
    find_model_folder,
    read_description,
    read_weights,
    unknown_below_became_a_rule,
    write_model,
)
from sightline.errors import ConfigError, ModelError, RunError, StorageError
from sightline.models.contract import Network
from sightline.models.registry import create_model
from sightline.pixels.preprocess import Preprocess

SETTINGS = Preprocess(size=(4, 4), channels=1, mean=(0.25,), std=(0.5,))


def build(seed: int = 0) -> Network:
    torch.manual_seed(seed)
    return create_model("convnet", num_classes=2, in_channels=1, size=4)


def description_of(**settings: Any) -> ModelDescription:
    complete = {"architecture": build().architecture, "classes": ("dark", "light"), "preprocess": SETTINGS}
    return ModelDescription(**complete | {"provenance": {"sightline": "0.1.0"}} | settings)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """A folder with a saved model."""
    write_model(tmp_path, description_of(), build())
    return tmp_path


def change(folder: Path, **changes: object) -> Path:
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    description = description_of(
        temperature=1.5,
        views="mirror",
        unknown=UnknownRule(score="energy", threshold=-0.1, images=400),
        conformal=ConformalRule(floors=(0.9, 1 / 3, 0.1), images=400),
        note="Only 1,000 of 10,000.",
        provenance={"data": "ramp"},
    )
    network, other = build(seed=1), build(seed=2)
    write_model(tmp_path / "run" / "model", description, network)
    assert {path.name for path in (tmp_path / "run" / "model").iterdir()} == {"model.json", "model.safetensors"}
    assert read_description(tmp_path / "run" / "model" / "model.json") == description
    read_weights(other, tmp_path / "run" / "model" / "model.safetensors")
    for name, tensor in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_weights_are_saved_as_float32_and_counts_as_they_are(tmp_path: Path) -> None:
    network = create_model("basic_cnn", num_classes=2).to(torch.bfloat16)
    in_colour = Preprocess(size=(32, 32), channels=3, mean=(0.5,) * 3, std=(0.5,) * 3)
    write_model(tmp_path, description_of(architecture=network.architecture, preprocess=in_colour), network)
    weights = load_file(tmp_path / "model.safetensors")
    assert {tensor.dtype for name, tensor in weights.items() if "num_batches" not in name} == {torch.float32}
    assert {tensor.dtype for name, tensor in weights.items() if "num_batches" in name} == {torch.int64}
    assert next(network.parameters()).dtype == torch.bfloat16  # it stays as it was


def test_tensors_that_share_memory_or_lie_askew_are_saved(tmp_path: Path) -> None:
    network = build()
    network.head.get_submodule("output").weight.data = torch.arange(256.0).view(128, 2).T
    write_model(tmp_path, description_of(), network)
    assert load_file(tmp_path / "model.safetensors")["head.output.weight"][:, 0].tolist() == [0, 1]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("a file in the way")
    with pytest.raises(StorageError):
        write_model(tmp_path / "model", description_of(), build())


def test_the_folder_of_a_run_leads_to_its_model(tmp_path: Path) -> None:
    write_model(tmp_path / "run" / "model", description_of(), build())
    assert find_model_folder(tmp_path / "run") == find_model_folder(tmp_path / "run" / "model")
    assert find_model_folder(tmp_path / "run") == tmp_path / "run" / "model"


def test_missing_files_are_named(saved: Path) -> None:
    with pytest.raises(RunError) as caught:
        find_model_folder(saved / "nowhere")
    assert str(caught.value) == (
        f"there is no folder {saved / 'nowhere'}: give a run folder, e.g. runs/digits-convnet-1"
    )
    for name in ("model.safetensors", "model.json"):
        (saved / name).unlink()
        with pytest.raises(RunError) as caught:
            find_model_folder(saved)
        assert str(caught.value) == f"{saved} has no {name}: give a run folder whose training has saved a model"


@pytest.mark.parametrize(
    ("provenance", "version"), [({"sightline": "2.3.0"}, "2.3.0"), ({}, "unknown"), ("lost", "unknown")]
)
def test_a_newer_format_names_both_versions(provenance: object, version: str, saved: Path) -> None:
    path = change(saved, format=7, provenance=provenance)
    with pytest.raises(RunError) as caught:
        read_description(path)
    assert str(caught.value) == (
        f"written by a newer Sightline ({version}, format 7); this is 0.1.0, which reads format 2 ({path}): "
        "upgrade with `pip install --upgrade sightline`"
    )


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"views": "mirrors"}, "'mirrors' is not possible"),
        ({"temperature": 0}, "temperature is 0"),
        ({"temperature": "warm"}, "expected float, found 'warm'"),
        ({"classes": ["dark"]}, "2 outputs have 1 class names"),
        ({"classes": ["dark", "dark"]}, "two classes have the same name"),
        ({"architecture": {"name": "convnett", "num_classes": 2, "in_channels": 1, "size": 4}}, "did you mean convnet"),
        ({"architecture": {"name": "convnet", "num_classes": 2, "in_channels": 3, "size": 4}}, "takes 3 channels, its"),
        ({"preprocess": {"size": [3, 3]}}, "incomplete settings"),
        ({"colour": "red"}, "unknown key 'colour'"),
        ({"provenance": "unknown"}, "expected names with values, found 'unknown'"),
        ({"provenance": {"data": ["digits"]}}, "expected str, found ['digits']"),
        ({"temperature": 10**400}, "the number is too large"),
        ({"format": "one"}, "it has no format number"),
        ({"unknown": {"score": "energie", "threshold": 1.0}}, "'energie' is not possible"),
        ({"unknown": {"score": "energy"}}, "incomplete settings"),
        ({"unknown": {"score": "energy", "threshold": float("inf")}}, "the threshold of unknown is inf"),
        ({"conformal": {"floors": [0.1, 0.2], "images": 400}}, "the floors rise with the coverage"),
        ({"conformal": {"floors": [2.0], "images": 400}}, "a floor is no probability"),
        ({"format": 1, "unknown_below": 1.5}, "unknown_below is 1.5"),
        ({"format": 1, "unknown_below": "half"}, "unknown_below is 'half'"),
        ({"unknown_below": 0.5}, "unknown key 'unknown_below'"),
    ],
)
def test_a_damaged_description_is_named(changes: dict[str, object], sentence: str, saved: Path) -> None:
    path = change(saved, **changes)
    with pytest.raises(RunError) as caught:
        read_description(path)
    assert sentence in str(caught.value)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith("restore it from a copy, or train again")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "{", '{"format": 1', "[1]", "null", b"\xff"])
def test_broken_json_is_named(text: str | bytes, saved: Path) -> None:
    path = saved / "model.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(RunError, match=r"^not (valid JSON|a model description): .*model\.json"):
        read_description(path)


@pytest.mark.parametrize(
    ("old", "rule"),
    [
        ({"unknown_below": 0.0}, None),
        ({}, None),
        (
            {"unknown_below": 0.8, "temperature": 2.0},
            {"score": "probability", "threshold": 0.8, "temperature": 2.0, "accepted": 0.0},
        ),
        (
            {"unknown_below": 1},
            {"score": "probability", "threshold": 1, "temperature": 1.0, "accepted": 0.0},
        ),
    ],
)
def test_the_rule_of_format_1_by_hand(old: dict[str, Any], rule: dict[str, Any] | None) -> None:
    before = dict(old)
    migrated = unknown_below_became_a_rule(old)
    assert migrated["format"] == 2
    assert migrated["unknown"] == rule
    assert "unknown_below" not in migrated
    assert old == before


@pytest.mark.parametrize("value", [-0.1, 1.1, "half", None, True])
def test_what_was_no_probability_is_refused(value: object) -> None:
    with pytest.raises(ConfigError, match=r"^unknown_below is .*: use a probability, 0 to 1$"):
        unknown_below_became_a_rule({"unknown_below": value})


def test_a_description_of_format_1_is_read(saved: Path) -> None:
    path = saved / "model.json"
    now = json.loads(path.read_text())
    assert (now.pop("format"), now.pop("unknown"), now.pop("conformal")) == (2, None, None)
    path.write_text(json.dumps(now | {"format": 1, "unknown_below": 0.8, "temperature": 2.0}))
    rule = UnknownRule(score="probability", threshold=0.8, temperature=2.0, accepted=0.0)
    assert read_description(path) == description_of(temperature=2.0, unknown=rule)


@pytest.mark.parametrize("size", [0, 4, 30, 100])
def test_truncated_weights_are_named(size: int, saved: Path) -> None:
    path = saved / "model.safetensors"
    path.write_bytes(path.read_bytes()[:size])
    with pytest.raises(RunError, match=r"^damaged weights: .*model\.safetensors.*train again$"):
        read_weights(build(), path)


def test_weights_that_do_not_fit_name_both_shapes_and_change_nothing(saved: Path) -> None:
    path, network = saved / "model.safetensors", build(seed=5)
    weights = load_file(path)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    cases = {
        "head.output.weight is (2, 16) in the file, (2, 128) in the network": weights
        | {"head.output.weight": torch.zeros(2, 16)},
        "the tensor head.output.bias is missing": {
            name: tensor for name, tensor in weights.items() if name != "head.output.bias"
        },
        "the tensor extra has no place in the network": weights | {"extra": torch.zeros(1)},
    }
    for what, changed in cases.items():
        path.unlink()
        save_file(changed, path)
        with pytest.raises(ModelError) as caught:
            read_weights(network, path)
        hint = "these are the weights of another network; restore it from a copy, or train again"
        assert str(caught.value) == f"{what} ({path}): {hint}"
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
