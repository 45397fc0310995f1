"""shapes.js and zoo.json give what `sightline.models.summary` gives, for every network at several sizes."""

from typing import Any

import pytest

from sightline.lab import zoo
from sightline.models.registry import Architecture
from sightline.models.summary import summary

from .conftest import in_node

SCRIPT = """
import { follow } from "file://{static}/rooms/architectures/shapes.js";
const answers = given.map(({ layers, image }) => follow(layers, image));
"""


def followed(cases: list[dict[str, Any]]) -> list[Any]:
    """What shapes.js makes of the cases. There is no infinity: null, as summary has None."""
    return in_node(SCRIPT, cases)


NETWORKS = zoo.from_text(zoo.FILE.read_text(encoding="utf-8"))


def test_every_network_at_several_sizes_equals_its_summary() -> None:
    cases, wanted = [], []
    for i, network in enumerate(NETWORKS):
        least = network["min_size"]
        # All at the published size; each at one other, so that all others are met.
        others = sorted({least, 28, 33, 40, 64, 97, 224} - set(range(least)) - {network["size"]})
        sizes = {network["size"], others[i % len(others)]} if network["name"] != "lenet5" else {16, 28, 32, 61}
        for size in sorted(sizes):
            layers = network["layers_at"].get(str(size), network["layers"])
            cases.append({"layers": layers, "image": [network["in_channels"], size, size]})
            architecture = Architecture(
                name=network["name"],
                num_classes=network["num_classes"],
                in_channels=network["in_channels"],
                size=size,
            )
            wanted.append(summary(architecture.outline()))
    for case, outcomes, expected in zip(cases, followed(cases), wanted, strict=True):
        rows = [
            (outcome["row"], layer)
            for outcome, layer in zip(outcomes, case["layers"], strict=True)
            if layer["kind"] != "Add"
        ]
        assert [layer["name"] for _, layer in rows] == [row.name for row in expected.rows]
        for (row, layer), theirs in zip(rows, expected.rows, strict=True):
            where = f"{expected.network} at {case['image']}: {layer}"
            assert tuple(row["shape"]) == theirs.output_shape, where
            assert row["parameters"] == theirs.parameters, where
            assert row["multiplyAdds"] == theirs.multiply_adds, where
            assert row["field"]["size"] == pytest.approx(theirs.receptive_field, abs=0.5), where
        assert sum(row["parameters"] for row, _ in rows) == expected.parameters, expected.network
        assert sum(row["multiplyAdds"] for row, _ in rows) == expected.multiply_adds, expected.network


def test_what_does_not_fit_says_where_and_why() -> None:
    layers = [
        {"kind": "Conv2d", "out": 8, "kernel": 3},
        {"kind": "MaxPool2d", "kernel": 2},
        {"kind": "Conv2d", "out": 8, "kernel": 5},
        {"kind": "ReLU"},
        {"kind": "Linear", "out": 10},
    ]
    outcomes, without_flatten, turned = followed(
        [
            {"layers": layers, "image": [1, 8, 8]},
            {"layers": layers[:2] + layers[4:], "image": [1, 8, 8]},
            {"layers": [{"kind": "Flatten"}, layers[0]], "image": [1, 8, 8]},
        ]
    )
    assert outcomes[1]["row"]["shape"] == [8, 3, 3]
    assert "a window of 5 does not fit into 3 pixels" in outcomes[2]["problem"]
    assert [outcome["problem"] for outcome in outcomes[3:]] == ["", ""]
    assert "put Flatten or global pooling before it" in without_flatten[2]["problem"]
    assert "move it before Flatten" in turned[1]["problem"]
