"""The first filters of a network, as the room shows them on a picture."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from sightline.inspection import kernels
from sightline.lab.rooms import filters
from sightline.lab.rooms.filters import exported, routes
from sightline.lab.workspace import Workspace

Asking = Callable[..., TestClient]


def test_the_filters_are_the_networks_own(finished: Path, client: Asking) -> None:
    workspace = Workspace(finished)
    answer = client(routes(workspace)).get("/data/kernels.json").json()
    assert (answer["layer"], answer["network"]) == ("stages.c1.conv", "lenet5")
    np.testing.assert_allclose(answer["values"], kernels(workspace.classifier, "stages.c1.conv"), atol=1e-5)
    assert np.shape(answer["values"]) == (6, 1, 5, 5)
    layer = workspace.classifier.network.get_submodule("stages.c1.conv")
    assert answer["bias"] == pytest.approx(layer.bias.tolist())  # type: ignore[union-attr, operator]
    settings = workspace.classifier.preprocess
    assert (answer["mean"], answer["std"]) == (list(settings.mean), list(settings.std))
    [(name, copied)] = exported(workspace)
    assert (name, json.loads(copied)) == ("kernels.json", answer)


def test_so_many_at_most(finished: Path, client: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filters, "MOST", 4)
    answer = client(routes(Workspace(finished))).get("/data/kernels.json").json()
    assert (len(answer["values"]), len(answer["bias"])) == (4, 4)


def test_a_layer_without_biases_adds_nothing(client: Asking) -> None:
    workspace = Workspace(model="resnet20", weights="none")
    answer = client(routes(workspace)).get("/data/kernels.json").json()
    assert answer["bias"] == [0.0] * 16


def test_a_network_without_such_filters_says_so_and_is_not_copied(
    client: Asking,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace = Workspace(model="resnet20", weights="none")
    stem = next(layer for layer in workspace.classifier.network.modules() if hasattr(layer, "kernel_size"))
    monkeypatch.setattr(stem, "kernel_size", (1, 1))  # as that of a network which mixes colours first
    answer = client(routes(workspace)).get("/data/kernels.json")
    assert answer.status_code == 422
    assert answer.json() == {"error": "the network's first layer is no filter of several pixels"}
    assert list(exported(workspace)) == []


def test_without_a_network(unfinished: Path, client: Asking) -> None:
    for workspace, words in ((Workspace(), "opened without a run"), (Workspace(unfinished), "has no network yet")):
        answer = client(routes(workspace)).get("/data/kernels.json")
        assert answer.status_code == 422
        assert words in answer.json()["error"]
        assert list(exported(workspace)) == []
