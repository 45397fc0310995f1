"""Networks of timm (huggingface/pytorch-image-models) under our contract: hundreds of them, under timm's own names.

What a network of timm does is not changed, only sorted. Where its feature extractor is a chain of layers, which we see
by watching one image go through, `stages` is that chain, cut where timm says that a level of the feature pyramid ends:
`stage1`, `stage2` and so on, and `tail` for what follows the last level. Other feature extractors are one stage,
`body`. What is no feature map, a transformer's tokens above all, is reordered by a last stage, `maps`; see `Layout`.

`head.pre_logits` is what timm does between the maps and its classifier (pooling, mostly); `head.output` is always a
linear layer, also where timm has a 1x1 convolution.

timm takes seconds to import, so only functions import it.
"""

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from sightline.errors import ModelError
from sightline.models.blocks import sequential
from sightline.models.contract import Network
from sightline.models.registry import Options

# What timm's feature extractor returns, and which feature maps that is here; nothing is lost:
# maps (B, C, h, w); channels-last (B, h, w, C) -> (B, C, h, w); tokens (B, N, C) -> (B, C, 1, N);
# vector (B, C) -> (B, C, 1, 1).
Layout = Literal["maps", "channels-last", "tokens", "vector"]

PROBE_SIZE = 96  # pixels; enough for every network that takes images of any size


class TimmNetwork(Network):
    """timm's network `name`, freshly initialised: (B, in_channels, size, size) -> (B, num_classes).

    options: keyword arguments of timm's builder, e.g. {"pad_type": "same"}.
    timm_names: our name of each tensor -> timm's.

    Raises ModelError when timm cannot build it so, or when it is no classifier of one image.
    """

    def __init__(
        self, name: str, num_classes: int, in_channels: int, size: int, *, options: Options | None = None
    ) -> None:
        super().__init__()
        self.input_shape = (in_channels, size, size)
        model = _build(name, num_classes, in_channels, size, options or {})
        named = {id(tensor): key for key, tensor in model.state_dict(keep_vars=True).items()}
        classifier = model.get_classifier()
        model.reset_classifier(0)
        try:
            trace = _watch(model, _probe(model, in_channels, size))
            self.stages = _stages(model, trace)
            self.head = _Head(_part(model, trace.in_head, tensors=False), trace.layout, trace.width, num_classes)
            with torch.no_grad():
                self.head(self.stages(_probe(model, in_channels, size)))
        except (AttributeError, RuntimeError, TypeError, ValueError) as error:
            raise ModelError(
                f"timm's {name} cannot be used here: {str(error).splitlines()[0]}",
                where=f"images of {in_channels} x {size} x {size}",
                hint="choose another size or network",
            ) from error
        self.train()
        self.timm_names = {
            key: named[id(tensor)]
            for key, tensor in self.state_dict(keep_vars=True).items()
            if not key.startswith("head.output.")
        }
        if isinstance(classifier, nn.Linear | nn.Conv2d) and classifier.weight[0].numel() == trace.width:
            self._take(classifier, named)

    def from_timm(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors under timm's names -> those that we have, under ours; a convolution as classifier becomes flat."""
        renamed = {ours: state_dict[timm] for ours, timm in self.timm_names.items() if timm in state_dict}
        if "head.output.weight" in renamed:
            renamed["head.output.weight"] = renamed["head.output.weight"].flatten(1)  # (K, D, 1, 1) -> (K, D)
        return renamed

    def _take(self, classifier: nn.Linear | nn.Conv2d, named: Mapping[int, str]) -> None:
        """Start with the fresh weights that timm gave its own classifier."""
        output = nn.Linear(classifier.weight[0].numel(), len(classifier.weight), classifier.bias is not None)
        output.weight = nn.Parameter(classifier.weight.detach().flatten(1))
        self.timm_names["head.output.weight"] = named[id(classifier.weight)]
        if classifier.bias is not None:
            output.bias = nn.Parameter(classifier.bias.detach())
            self.timm_names["head.output.bias"] = named[id(classifier.bias)]
        self.head.output = output


class _Body(nn.Module):
    """timm's feature extractor in one piece: (B, C, H, W) -> whatever it returns."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        features: Tensor = self.model.forward_features(x)  # type: ignore[operator]
        return features


class _Maps(nn.Module):
    """Features in timm's layout -> feature maps (B, C, h, w)."""

    def __init__(self, layout: Layout) -> None:
        super().__init__()
        self.layout = layout

    def forward(self, x: Tensor) -> Tensor:
        match self.layout:
            case "channels-last":
                return x.permute(0, 3, 1, 2)
            case "tokens":
                return x.transpose(1, 2).unsqueeze(2)
            case "vector":
                return x[:, :, None, None]
        return x


class _Head(nn.Module):
    """Feature maps (B, C, h, w) -> logits (B, K): timm's own way to one vector an image, then a linear layer."""

    def __init__(self, pre_logits: nn.Module, layout: Layout, width: int, num_classes: int) -> None:
        super().__init__()
        self.pre_logits = pre_logits
        self.layout = layout
        self.output = nn.Linear(width, num_classes)

    def forward(self, maps: Tensor) -> Tensor:
        match self.layout:
            case "channels-last":
                features = maps.permute(0, 2, 3, 1)
            case "tokens":
                features = maps.squeeze(2).transpose(1, 2)
            case "vector":
                features = maps.flatten(1)
            case "maps":
                features = maps
        logits: Tensor = self.output(self.pre_logits.forward_head(features).flatten(1))  # type: ignore[operator]
        return logits


class _Call(NamedTuple):
    """One call of a layer while the probe went through."""

    name: str
    inputs: tuple[Any, ...]  # with the keyword arguments
    output: Any


class _Trace(NamedTuple):
    """What happened to one image: in the feature extractor, and between it and the classifier."""

    calls: list[_Call]  # in the feature extractor
    image: Tensor
    features: Tensor
    layout: Layout
    width: int  # of the vector that the classifier sees
    in_features: set[str]  # direct children of the model that the feature extractor needs
    in_head: set[str]


def _build(name: str, num_classes: int, in_channels: int, size: int, options: Options) -> Any:
    import timm

    given: dict[str, Any] = dict(options)
    config = timm.models.get_pretrained_cfg(name)
    if config is not None and config.fixed_input_size and size != config.input_size[1]:
        given["img_size"] = size
    try:
        return timm.create_model(name, num_classes=num_classes, in_chans=in_channels, **given)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        settings = ", ".join(f"{key}={value}" for key, value in given.items())
        raise ModelError(
            f"timm cannot build {name}: {(str(error).splitlines() or ['it does not say why'])[0]}",
            where=settings,
            hint="use the published size and no options" if given else "choose another network",
        ) from error


def _probe(model: Any, in_channels: int, size: int) -> Tensor:
    """A black image, small where the network takes any size."""
    if not model.pretrained_cfg.get("fixed_input_size", False):
        size = min(size, PROBE_SIZE)
    return torch.zeros(1, in_channels, size, size, device=next(model.parameters()).device)


def _watch(model: Any, image: Tensor) -> _Trace:
    """Send an image through, classifier left out, and see which layers do what."""
    model.eval()
    with torch.no_grad():
        with _recorded(model) as calls:
            features = model.forward_features(image)
        if not isinstance(features, Tensor):
            raise TypeError("its features are no single tensor")
        with _recorded(model) as head_calls:
            vector = model.forward_head(features)
    in_features = {call.name.partition(".")[0] for call in calls}
    in_head = {call.name.partition(".")[0] for call in head_calls}
    in_head |= {name for name, _ in model.named_children()} - in_features
    layout = _layout(features, model.num_features)
    return _Trace(calls, image, features, layout, vector[0].numel(), in_features, in_head)


def _layout(features: Tensor, channels: int) -> Layout:
    if features.ndim == 4:
        return "channels-last" if features.shape[1] != channels == features.shape[3] else "maps"
    return "tokens" if features.ndim == 3 else "vector"


@contextmanager
def _recorded(model: nn.Module) -> Iterator[list[_Call]]:
    """Within it, every layer that has run adds its call, also those inside others."""
    calls: list[_Call] = []
    handles = []
    for name, module in model.named_modules():
        if name:

            def record(module: nn.Module, args: Any, kwargs: Any, output: Any, name: str = name) -> None:
                calls.append(_Call(name, (*args, *kwargs.values()), output))

            handles.append(module.register_forward_hook(record, with_kwargs=True))
    try:
        yield calls
    finally:
        for handle in handles:
            handle.remove()


def _stages(model: Any, trace: _Trace) -> nn.Sequential:
    """The feature extractor as named stages."""
    levels = [level["module"] for level in getattr(model, "feature_info", ()) if isinstance(level, dict)]
    layers = _chain(trace.calls, levels, "", trace.image, trace.features)
    stages: dict[str, nn.Module] = {}
    if layers is None:
        stages["body"] = _Body(_part(model, trace.in_features, tensors=True))
    else:
        stages |= _cut(model, layers, levels)
    if trace.layout != "maps":
        stages["maps"] = _Maps(trace.layout)
    return sequential(**stages)


def _chain(calls: list[_Call], levels: list[str], parent: str, start: Any, end: Any) -> list[str] | None:
    """The layers directly in `parent` that turn `start` into `end`, each seeing only what the one before returned.

    A layer that ends no level but contains layers that do is replaced by those, where they are a chain again.
    None when there is no such chain: values take other ways, or something is done between the layers.
    """
    layers: list[str] = []
    value = start
    for call in calls:
        if call.name.rpartition(".")[0] != parent:
            continue
        if len(call.inputs) != 1 or call.inputs[0] is not value or call.name in layers:
            return None
        within = any(level.startswith(f"{call.name}.") for level in levels)
        inner = _chain(calls, levels, call.name, value, call.output) if within else None
        layers += inner or [call.name]
        value = call.output
    return layers if value is end else None


def _cut(model: nn.Module, layers: list[str], levels: list[str]) -> dict[str, nn.Module]:
    """The chain as stages, each ending with a level. In a stage, layers keep timm's names, with _ for the dots."""
    stages: dict[str, nn.Module] = {}
    waiting: dict[str, nn.Module] = {}
    for name in layers:
        layer = model.get_submodule(name)
        if not isinstance(layer, nn.Identity):  # a place where other variants have a layer
            waiting[name.replace(".", "_")] = layer
        if name in levels:
            stages[f"stage{len(stages) + 1}"] = sequential(**waiting)
            waiting = {}
    if waiting:
        stages["tail"] = sequential(**waiting)
    return stages


def _part(model: nn.Module, children: set[str], *, tensors: bool) -> nn.Module:
    """The same model with only these of its children; `tensors`: also with its own parameters and buffers."""
    part = copy.copy(model)
    part._modules = {name: child for name, child in model.named_children() if name in children}
    if not tensors:
        part._parameters, part._buffers = {}, {}
    return part
