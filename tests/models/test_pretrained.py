"""Weights of others come into our networks unchanged, and what does not fit is named."""

import io
import json
import os
import pickle
import urllib.error
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from sightline.errors import ModelError
from sightline.models.pretrained import CONVERTERS, load_pretrained
from sightline.models.registry import create_model, find_architecture

DATA = os.environ.get("SIGHTLINE_DATA")
NAME = "test_resnet"  # timm's smallest: 0.5 M parameters, 1000 classes, 160 pixels


@pytest.fixture(autouse=True)
def nothing_at_hand(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No weights on this machine and no network, unless a test says so."""

    def unreachable(*_: Any, **__: Any) -> None:
        raise urllib.error.URLError(OSError(-2, "Name or service not known"))

    monkeypatch.delenv("SIGHTLINE_DATA", raising=False)
    monkeypatch.setattr("urllib.request.urlopen", unreachable)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


def published(name: str = NAME, **options: Any) -> nn.Module:
    torch.manual_seed(0)
    return timm.create_model(name, **options).eval()


def write(path: Path, state: dict[str, Tensor], **about: str) -> Path:
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, path, metadata=about)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    about = {"mean": "[0.5,0.4,0.3]", "std": "[0.5,0.5,0.25]", "interpolation": "lanczos", "input_size": "96"}
    about |= {"licence": "CC0", "source": "a test", "architecture": f"timm:{NAME}"}
    return write(tmp_path / "own.safetensors", published().state_dict(), **about)


def images(size: int = 96, channels: int = 3) -> Tensor:
    return torch.randn((2, channels, size, size), generator=torch.Generator().manual_seed(1))


@torch.no_grad()
def test_a_file_brings_weights_preprocessing_licence_and_source(file: Path) -> None:
    loaded = load_pretrained(NAME, weights=file, num_classes=None)
    assert torch.equal(loaded.network.eval()(images()), published()(images()))
    assert loaded.preprocess.size == (96, 96)
    assert loaded.preprocess.fit == "crop"
    assert (loaded.preprocess.mean, loaded.preprocess.std) == ((0.5, 0.4, 0.3), (0.5, 0.5, 0.25))
    assert loaded.preprocess.interpolation == "lanczos"
    assert (loaded.licence, loaded.source) == ("CC0", "a test")
    assert len(loaded.digest) == 32
    assert loaded.provenance == {"weights": "a test", "weights licence": "CC0", "weights digest": loaded.digest}
    assert loaded.network.architecture == find_architecture(NAME, num_classes=1000, size=96)


@torch.no_grad()
def test_new_classes_get_a_fresh_head_on_the_same_features(file: Path) -> None:
    network = load_pretrained(NAME, weights=file, num_classes=4, size=64).network.eval()
    assert network.input_shape == (3, 64, 64)
    assert network(images(64)).shape == (2, 4)
    assert torch.equal(network.forward_features(images(64)), published().forward_features(images(64)))


@torch.no_grad()
def test_a_grey_network_sees_a_grey_image_as_the_colour_network_sees_its_rgb_copy(file: Path) -> None:
    loaded = load_pretrained(NAME, weights=file, num_classes=None, in_channels=1)
    grey = images(channels=1)
    torch.testing.assert_close(loaded.network.eval()(grey), published()(grey.expand(-1, 3, -1, -1)))
    assert loaded.preprocess.channels == 1
    assert loaded.preprocess.mean == pytest.approx((0.4,))


@torch.no_grad()
def test_options_in_the_file_reach_the_network_and_its_description(tmp_path: Path) -> None:
    theirs = published("mobilenetv2_050", pad_type="same")
    file = write(tmp_path / "m.safetensors", theirs.state_dict(), kwargs='{"pad_type": "same"}')
    network = load_pretrained("mobilenetv2_050", weights=file, num_classes=None, size=96).network.eval()
    assert torch.equal(network(images()), theirs(images()))
    assert network.architecture is not None
    assert network.architecture.options == {"pad_type": "same"}


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": {f"module.{k}": v for k, v in s.items()}}])
@torch.no_grad()
def test_plain_state_dicts_are_read_without_running_code(tmp_path: Path, wrap: Any) -> None:
    path = tmp_path / "weights.pth"
    torch.save(wrap(published().state_dict()), path)
    loaded = load_pretrained(NAME, weights=path, num_classes=None, size=96)
    assert torch.equal(loaded.network.eval()(images()), published()(images()))
    config = timm.models.get_pretrained_cfg(NAME)
    assert (loaded.preprocess.mean, loaded.preprocess.interpolation) == (config.mean, config.interpolation)
    assert (loaded.licence, loaded.source) == ("not stated", "weights.pth")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return (print, ("code has run",))


def test_a_file_with_code_in_it_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    buffer = io.BytesIO()
    torch.save({"weight": Bomb()}, buffer)
    for number, content in enumerate((buffer.getvalue(), pickle.dumps(Bomb()), b"", b"<html>")):
        path = tmp_path / f"{number}.pth"
        path.write_bytes(content)
        with pytest.raises(ModelError, match="no file of plain weights"):
            load_pretrained(NAME, weights=path, num_classes=2)
    assert capsys.readouterr().out == ""


def test_damaged_and_missing_files_are_named(tmp_path: Path, file: Path) -> None:
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(file.read_bytes()[:10_000])
    with pytest.raises(ModelError, match=r"not a safetensors file: .*cut\.safetensors.*fetch or copy it again"):
        load_pretrained(NAME, weights=cut, num_classes=2)
    with pytest.raises(ModelError, match=r"there is no file .*nowhere\.pth"):
        load_pretrained(NAME, weights=tmp_path / "nowhere.pth", num_classes=2)


def test_weights_of_another_network_are_named_by_what_differs(tmp_path: Path) -> None:
    state = published().state_dict()
    del state["layer1.0.conv1.weight"]
    shape = " x ".join(map(str, state["layer1.0.conv2.weight"].shape))
    state["layer1.0.conv2.weight"] = torch.zeros(8, 3, 7, 7)
    state["surplus"] = torch.zeros(1)
    with pytest.raises(ModelError) as caught:
        load_pretrained(NAME, weights=write(tmp_path / "w.safetensors", state), num_classes=2)
    assert str(caught.value) == (
        "these are not the weights of test_resnet: 1 tensor is missing (layer1.0.conv1.weight); "
        "1 tensor is unknown (surplus); "
        f"1 tensor is of another shape (layer1.0.conv2.weight is 8 x 3 x 7 x 7, not {shape}) "
        f"({tmp_path / 'w.safetensors'}): use weights of the same architecture"
    )


def test_the_likely_network_is_guessed(tmp_path: Path) -> None:
    file = write(tmp_path / "w.safetensors", published("mobilenetv3_small_100").state_dict())
    for name in (NAME, "resnet18"):
        with pytest.raises(ModelError, match=r"they look like those of mobilenetv3_small_100$"):
            load_pretrained(name, weights=file, num_classes=2)


def test_a_file_that_names_another_network_is_refused_at_once(file: Path) -> None:
    with pytest.raises(ModelError, match=r"are those of test_resnet, not of resnet50 .*: use `--model test_resnet`"):
        load_pretrained("resnet50", weights=file, num_classes=2)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"mean": "[0.5"}, r"its mean is not valid JSON: \[0\.5"),
        ({"std": "[0, 0, 0]"}, "the preprocessing makes no sense: std is"),
        ({"input_size": '"big"'}, "its input_size is 'big'"),
        ({"kwargs": "[1]"}, "its kwargs are no JSON object"),
        ({"kwargs": '{"checkpoint_path": "/etc/passwd"}'}, "checkpoint_path is no option of a network"),
    ],
)
def test_metadata_that_makes_no_sense_is_one_sentence(tmp_path: Path, about: dict[str, str], message: str) -> None:
    file = write(tmp_path / "w.safetensors", published().state_dict(), **about)
    with pytest.raises(ModelError, match=message):
        load_pretrained(NAME, weights=file, num_classes=2)


@pytest.mark.parametrize("in_channels", [1, 3])
def test_a_mean_that_is_no_list_is_one_sentence(tmp_path: Path, in_channels: int) -> None:
    file = write(tmp_path / "w.safetensors", published().state_dict(), mean="0.5")
    with pytest.raises(ModelError, match="the preprocessing makes no sense: "):
        load_pretrained(NAME, weights=file, num_classes=2, in_channels=in_channels)


def test_without_weights_the_ways_out_are_named() -> None:
    with pytest.raises(ModelError) as caught:
        load_pretrained(NAME, weights=None, num_classes=2)
    assert str(caught.value) == (
        "there are no weights of test_resnet on this machine: fetch them with `--weights imagenet`, "
        "give a file with `--weights FILE`, or train from scratch with `--weights none`"
    )
    with pytest.raises(ModelError) as caught:
        load_pretrained(NAME, weights="imagenet", num_classes=2)
    assert str(caught.value) == (
        "there are no weights of test_resnet on this machine, and the hub cannot be reached "
        "(name or service not known): give a file with `--weights FILE`, or train from scratch with `--weights none`"
    )
    with pytest.raises(ModelError, match="nobody publishes ImageNet weights of lenet5 through timm"):
        load_pretrained("lenet5", weights="imagenet", num_classes=2)


def test_no_weights_are_fresh_weights() -> None:
    loaded = load_pretrained("resnet18_small", weights="none", num_classes=3)
    assert loaded.network.architecture == find_architecture("resnet18_small", num_classes=3)
    assert (loaded.preprocess.size, loaded.digest, loaded.provenance) == ((32, 32), "", {})


@torch.no_grad()
def test_what_timm_downloaded_before_is_found_without_a_network(tmp_path: Path) -> None:
    config = timm.models.get_pretrained_cfg(NAME)
    folder = tmp_path / "hub" / f"models--{config.hf_hub_id.replace('/', '--')}"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("abc")
    (folder / "snapshots" / "abc").mkdir(parents=True)
    write(folder / "snapshots" / "abc" / "model.safetensors", published().state_dict())
    for weights in (None, "imagenet"):
        loaded = load_pretrained(NAME, weights=weights, num_classes=None, size=96)
        assert torch.equal(loaded.network.eval()(images()), published()(images()))
        assert (loaded.licence, loaded.source) == (config.license, f"huggingface.co/{config.hf_hub_id}")


def test_files_beside_the_data_are_found_by_what_they_say(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data" / "weights").mkdir(parents=True)
    (tmp_path / "data" / "weights" / "broken.safetensors").write_bytes(b"{}")
    here = tmp_path / "data" / "weights" / "any_name.safetensors"
    here.write_bytes(file.read_bytes())
    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path / "data"))
    assert load_pretrained(NAME, num_classes=2).source == "a test"


@torch.no_grad()
def test_our_resnet18_takes_timms_weights(tmp_path: Path) -> None:
    theirs = published("resnet18")
    file = write(tmp_path / "w.safetensors", theirs.state_dict())
    loaded = load_pretrained("resnet18", weights=file, num_classes=None)
    torch.testing.assert_close(loaded.network.eval()(images(64)), theirs(images(64)), rtol=0, atol=1e-5)
    assert loaded.preprocess.size == (224, 224)


@torch.no_grad()
def test_our_vgg_takes_timms_weights() -> None:
    torch.manual_seed(0)
    theirs = timm.create_model("vgg11_bn", num_classes=20).eval()
    with torch.device("meta"):
        ours = create_model("vgg11_bn", num_classes=20).eval()
    ours.load_state_dict(CONVERTERS["vgg11_bn"](theirs.state_dict()), assign=True)
    torch.testing.assert_close(ours(images(64)), theirs(images(64)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", [name for name in CONVERTERS if name != "alexnet"])
def test_every_tensor_of_timms_has_its_place_in_ours(name: str) -> None:
    with torch.device("meta"):
        theirs, ours = timm.create_model(name), create_model(name, num_classes=1000)
    renamed = CONVERTERS[name](theirs.state_dict())
    assert {k: v.shape for k, v in renamed.items()} == {k: v.shape for k, v in ours.state_dict().items()}


@torch.no_grad()
def test_weights_that_sightline_saved_are_read_too(tmp_path: Path) -> None:
    for name in (NAME, "resnet18_small"):
        torch.manual_seed(1)
        network = create_model(name, num_classes=5, size=64).eval()
        file = write(tmp_path / "model.safetensors", network.state_dict(), format="pt")
        loaded = load_pretrained(name, weights=file, num_classes=None, size=64)
        assert torch.equal(loaded.network.eval()(images(64)), network(images(64)))


@torch.no_grad()
def test_weights_for_another_size_of_a_transformer_are_resampled_by_timm(tmp_path: Path) -> None:
    file = write(tmp_path / "w.safetensors", published("test_vit").state_dict())
    network = load_pretrained("test_vit", weights=file, num_classes=None, size=192).network.eval()
    theirs = timm.create_model(
        "test_vit",
        pretrained=True,
        img_size=192,
        pretrained_cfg_overlay={"state_dict": published("test_vit").state_dict()},
    ).eval()
    torch.testing.assert_close(network(images(192)), theirs(images(192)))


def test_the_description_of_a_saved_model_remembers_the_options(file: Path) -> None:
    from sightline.config import from_json, to_json
    from sightline.models.registry import Architecture

    architecture = find_architecture("mobilenetv2_100", num_classes=2, options={"pad_type": "same"})
    plain = json.loads(json.dumps(to_json(architecture)))
    assert plain["options"] == {"pad_type": "same"}
    assert from_json(Architecture, plain) == architecture
    assert hash(architecture) == hash(from_json(Architecture, plain))
    del plain["options"]
    assert from_json(Architecture, plain).options == {}, "written before there were options"


# What the classes of the clothing photos may be called by a network that knows ImageNet's.
PLAUSIBLE = {
    "shoes": {"clog", "sandal", "Loafer", "running shoe", "cowboy boot", "shoe shop"},
    "shorts": {"swimming trunks", "miniskirt", "jean"},
    "t-shirt": {"jersey", "sweatshirt", "maillot"},
    "longsleeve": {"sweatshirt", "jersey", "cardigan", "wool", "velvet"},
}


@pytest.mark.skipif(DATA is None, reason="needs $SIGHTLINE_DATA: real weights and photos")
@torch.no_grad()
def test_a_trained_network_knows_what_is_on_real_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    from timm.data import ImageNetInfo

    monkeypatch.setenv("SIGHTLINE_DATA", str(DATA))
    loaded = load_pretrained("mobilenetv2_100", weights=None, num_classes=None)
    assert loaded.licence == "Apache-2.0"
    assert loaded.network.architecture is not None
    assert loaded.network.architecture.options == {"pad_type": "same"}
    network, names = loaded.network.eval(), ImageNetInfo()

    def guesses(folder: str, limit: int) -> list[set[str]]:
        files = sorted(Path(str(DATA), folder).iterdir())[:limit]
        pixels = torch.stack([torch.from_numpy(loaded.preprocess.read(file)) for file in files])
        top = network(loaded.preprocess.normalise(pixels)).topk(5).indices
        return [{names.index_to_description(i).partition(",")[0] for i in row} for row in top.tolist()]

    shares = {}
    for name, plausible in PLAUSIBLE.items():
        known = [bool(said & plausible) for said in guesses(f"clothing/test/{name}", 16)]
        shares[name] = sum(known) / len(known)
    assert min(shares.values()) >= 0.75, shares
    landscape = {"cliff", "promontory", "valley", "seashore", "alp", "volcano", "lakeside", "dam"}
    assert all(len(said & landscape) >= 3 for said in guesses("odd-pictures/orientation", 16))
