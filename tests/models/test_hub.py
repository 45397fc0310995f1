from pathlib import Path
from typing import Any

import pytest
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

from sightline.errors import ModelError
from sightline.models.hub import fetch_weights, find_weights, hub_repository


class Answer:
    def close(self) -> None:
        pass


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str]]:
    """A hub that answers and has only one old file; the files asked for."""
    requests: list[tuple[str, str]] = []

    def download(repository: str, file: str) -> str:
        requests.append((repository, file))
        if file == "model.safetensors":
            raise EntryNotFoundError("404")
        return str(tmp_path / file)

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Answer())
    monkeypatch.setattr("huggingface_hub.hf_hub_download", download)
    return requests


def test_the_hub_is_asked_for_safetensors_first(asked: list[tuple[str, str]], tmp_path: Path) -> None:
    assert fetch_weights("resnet50") == tmp_path / "pytorch_model.bin"
    assert asked == [("timm/resnet50.a1_in1k", name) for name in ("model.safetensors", "pytorch_model.bin")]


def test_a_download_that_breaks_names_the_ways_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> str:
        raise LocalEntryNotFoundError("Connection reset")

    monkeypatch.setattr("urllib.request.urlopen", lambda *_, **__: Answer())
    monkeypatch.setattr("huggingface_hub.hf_hub_download", broken)
    with pytest.raises(ModelError, match=r"\(connection reset\): give a file with `--weights FILE`, or train from"):
        fetch_weights("resnet50")


def test_a_tag_chooses_the_weights() -> None:
    assert hub_repository("resnet50") == "timm/resnet50.a1_in1k"
    assert hub_repository("resnet50.tv_in1k") == "timm/resnet50.tv_in1k"
    assert hub_repository("lenet5") == ""


def test_nothing_is_fetched_to_look(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def forbidden(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr("urllib.request.urlopen", forbidden)
    monkeypatch.setattr("huggingface_hub.hf_hub_download", forbidden)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.delenv("SIGHTLINE_DATA", raising=False)
    assert find_weights("resnet50") is None
    assert find_weights("lenet5") is None
