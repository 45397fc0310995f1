"""What every network keeps, so that transfer, features and Grad-CAM work on all of them.

forward(x)            (B, C, H, W) float -> logits (B, K)
forward_features(x)   (B, C, H, W) float -> the last feature maps (B, C', h, w)
stages                nn.Sequential of named stages; running them in order is forward_features
head                  feature maps -> logits; what makes the logits is called `output`: a linear layer, or two (below)
embed(x)              (B, C, H, W) float -> (B, D), what `output` sees
replace_head(K)       a fresh output layer for K classes
layer(name)           one layer, by name ("stages.layer1.0") or by position ("stages.1.0")
"""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor, nn

from sightline.errors import ModelError, near
from sightline.models.blocks import hidden_output
from sightline.models.watching import layer_hooks

if TYPE_CHECKING:
    from sightline.models.registry import Architecture

Options = Mapping[str, str | int | float | bool]  # keyword arguments of a builder in timm


class Network(nn.Module):
    """A classifier of images: `stages` make feature maps, `head` turns them into logits.

    input_shape: (C, H, W) the network was built for; networks with a global-pooling head accept other H, W as well.
    architecture: what it was built from by name, which a model file records; None when its class was called directly.
    """

    stages: nn.Sequential
    head: nn.Module
    input_shape: tuple[int, int, int]
    architecture: "Architecture | None" = None

    def forward_features(self, x: Tensor) -> Tensor:
        """The last feature maps: (B, C, H, W) -> (B, C', h, w)."""
        features: Tensor = self.stages(x)
        return features

    def forward(self, x: Tensor) -> Tensor:
        """Logits, one row an image: (B, C, H, W) -> (B, K)."""
        logits: Tensor = self.head(self.forward_features(x))
        return logits

    def embed(self, x: Tensor) -> Tensor:
        """What the output layer sees, one vector an image: (B, C, H, W) -> (B, D)."""
        vectors: list[Tensor] = []
        output = {"head.output": self.head.get_submodule("output")}
        with layer_hooks(output, before=lambda _, inputs: vectors.append(inputs[0])):
            self(x)
        return vectors[0]

    @property
    def embedding_size(self) -> int:
        """D: how many numbers `embed` gives for an image."""
        return self._first_linear().in_features

    @staticmethod
    def initialise(layer: nn.Module) -> None:
        """Give one layer fresh weights, in place. PyTorch's own stay unless the architecture says otherwise."""

    def replace_head(self, num_classes: int, *, hidden: int = 0) -> None:
        """Put a freshly initialised output layer for `num_classes` classes in place of the present one.

        hidden: units of a hidden layer with ReLU and dropout that `output` then contains, too; 0 is none.
        Hidden layers of the head before `output` are kept: AlexNet and VGG learn much of what they know there.
        """
        if num_classes < 1:
            raise ModelError(f"num_classes is {num_classes}", where="replace_head", hint="a classifier needs 1 or more")
        if hidden < 0:
            raise ModelError(f"hidden is {hidden}", where="replace_head", hint="use 0 (none) or more units, e.g. 256")
        old = self._first_linear()
        output: nn.Module = (
            hidden_output(old.in_features, hidden, num_classes)
            if hidden
            else nn.Linear(old.in_features, num_classes, old.bias is not None)
        )
        output.apply(self.initialise)
        self.head.output = output.to(old.weight)
        if self.architecture:
            self.architecture = dataclasses.replace(self.architecture, num_classes=num_classes, hidden=hidden)

    def _first_linear(self) -> nn.Linear:
        linear = next(
            (part for part in self.head.get_submodule("output").modules() if isinstance(part, nn.Linear)), None
        )
        assert linear is not None, "the output of a head is linear"
        return linear

    def layer(self, name: str) -> nn.Module:
        """The layer called `name`; each part may be a name or a position. Raises ModelError with the nearest names."""
        module: nn.Module = self
        for part in name.split("."):
            children = dict(module.named_children())
            if part in children:
                module = children[part]
            elif part.isdecimal() and int(part) < len(children):
                module = list(children.values())[int(part)]
            else:
                names = [path for path, _ in self.named_modules() if path]
                raise ModelError(f"there is no layer '{name}'", where=type(self).__name__, hint=near(name, names))
        return module

    def prepare(self, images: Tensor) -> None:
        """Set weights that are computed from data rather than trained. Called once, before the first step.

        images: a sample of training images as the network sees them, float (N, C, H, W), normalised. Most networks
        have nothing to set.
        """
