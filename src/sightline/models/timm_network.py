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
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn

from sightline.errors import ModelError
from sightline.machine.late_compiler import late_compiler
from sightline.models.blocks import sequential
from sightline.models.contract import Network, Options
from sightline.models.watching import LayerRun, layer_runs

# Timm's feature extractor returns one of four forms, which become feature maps here; nothing is lost:
# maps (B, C, h, w); channels-last (B, h, w, C) -> (B, C, h, w); tokens (B, N, C) -> (B, C, 1, N);
# vector (B, C) -> (B, C, 1, 1).
Layout = Literal["maps", "channels-last", "tokens", "vector"]

PROBE_SIZE = 96  # pixels; enough for every network that takes images of any size


class TimmNetwork(Network):
    """timm's network `name`, freshly initialised: (B, in_channels, size, size) -> (B, num_classes).

    options: keyword arguments of timm's builder, e.g. {"pad_type": "same"}.
    timm_names: our name of each tensor -> timm's.
    left_out: timm's names of tensors that have no place here: a second classifier, a norm that went with the first.

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
        model.eval()
        stages, pre_logits, layout, width = _sorted(model, name, in_channels, size)
        self.stages = stages
        self.head = _Head(pre_logits, layout, width, num_classes)
        self.train()
        self.timm_names = {
            key: named[id(tensor)]
            for key, tensor in self.state_dict(keep_vars=True).items()
            if not key.startswith("head.output.")
        }
        if isinstance(classifier, nn.Linear | nn.Conv2d) and classifier.weight[0].numel() == width:
            self._take(classifier, named)
        placed = {named.get(id(tensor)) for tensor in self.state_dict(keep_vars=True).values()}
        self.left_out = tuple(sorted(set(named.values()) - placed - set(self.timm_names.values())))

    def from_timm(self, state_dict: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Tensors under timm's names -> the same under ours, without what is left out; unknown names stay.

        A convolution as classifier becomes flat.
        """
        renamed = {ours: state_dict[timm] for ours, timm in self.timm_names.items() if timm in state_dict}
        known = {*self.timm_names.values(), *self.left_out}
        renamed |= {key: tensor for key, tensor in state_dict.items() if key not in known}
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


def present_layout(
    name: str, state_dict: Mapping[str, Tensor], num_classes: int, network: Network
) -> dict[str, Tensor] | None:
    """A state dict in a layout that timm can read for network `name` -> the one it has now, for our network's images.

    None when timm cannot read it either.
    """
    assert network.architecture is not None
    channels, size, _ = network.input_shape
    overlay = {"state_dict": dict(state_dict), "num_classes": num_classes}
    options = {**network.architecture.options, "pretrained": True, "pretrained_cfg_overlay": overlay}
    try:
        model = _build(name, num_classes, channels, size, options)
    except (KeyError, IndexError, ModelError):
        return None
    weights: dict[str, Tensor] = model.state_dict()
    return weights


class _Body(nn.Module):
    """timm's feature extractor in one piece: (B, C, H, W) -> whatever it returns.

    whole: with all that comes before the classifier, so that one vector an image comes out, (B, D).
    """

    def __init__(self, model: nn.Module, *, whole: bool = False) -> None:
        super().__init__()
        self.model: Any = model
        self.whole = whole

    def forward(self, x: Tensor) -> Tensor:
        features = self.model.forward_features(x)
        if self.whole:
            features = self.model.forward_head(features)
        assert isinstance(features, Tensor), "its features are no single tensor"
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
    """Feature maps (B, C, h, w) -> logits (B, K): timm's own way to one vector an image, then a linear layer.

    pre_logits: None where the features are that vector already.
    """

    def __init__(self, pre_logits: nn.Module | None, layout: Layout, width: int, num_classes: int) -> None:
        super().__init__()
        self.pre_logits: Any = pre_logits
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
        if self.pre_logits is not None:
            features = self.pre_logits.forward_head(features).flatten(1)
        logits: Tensor = self.output(features)
        return logits


class _Parts(NamedTuple):
    """A network of timm, sorted."""

    stages: nn.Sequential
    pre_logits: nn.Module | None
    layout: Layout
    width: int  # of the vector that the classifier sees


def _build(name: str, num_classes: int, in_channels: int, size: int, options: Mapping[str, Any]) -> Any:
    with late_compiler():
        import timm

    arguments: dict[str, Any] = dict(options)
    config = timm.models.get_pretrained_cfg(name)
    if config is not None and config.fixed_input_size and size != config.input_size[1]:
        arguments["img_size"] = size
    try:
        return timm.create_model(name, num_classes=num_classes, in_chans=in_channels, **arguments)
    except (AssertionError, RuntimeError, TypeError, ValueError) as error:
        settings = ", ".join(f"{key}={value}" for key, value in arguments.items())
        raise ModelError(
            f"timm cannot build {name}: {(str(error).splitlines() or ['it does not say why'])[0]}",
            where=settings,
            hint="use the published size and no options" if arguments else "choose another network",
        ) from error


def _sorted(model: Any, name: str, in_channels: int, size: int) -> _Parts:
    """The parts of a model in eval mode whose classifier is gone: in one of three ways, the first that works."""
    small = size if model.pretrained_cfg.get("fixed_input_size", False) else min(size, PROBE_SIZE)
    image = torch.zeros(1, in_channels, small, small, device=next(model.parameters()).device)
    reason = ""
    for make, probe in ((_split, image), (_split, image.new_zeros(1, in_channels, size, size)), (_whole, image)):
        try:
            with torch.no_grad():
                return make(model, probe)
        except (AssertionError, AttributeError, RuntimeError, TypeError, ValueError) as error:
            reason = reason or (str(error).splitlines() or ["timm does not say why"])[0]
    raise ModelError(
        f"timm's {name} cannot take images of {in_channels} x {size} x {size}: {reason}",
        hint="choose another size or another network",
    )


def _split(model: Any, image: Tensor) -> _Parts:
    """Stages make feature maps, the head one vector of them. Sends an image through to see which layers do what."""
    layers = {name: layer for name, layer in model.named_modules() if name}  # also those that contain others
    with layer_runs(layers) as runs:
        features = model.forward_features(image)
    if not isinstance(features, Tensor):
        raise TypeError("its features are no single tensor")
    with layer_runs(layers) as head_runs:
        model.forward_head(features)
    layout = _layout(features, model.num_features)
    in_features, in_head = ({run.name.partition(".")[0] for run in each} for each in (runs, head_runs))
    children = dict(model.named_children())
    unused = {name for name in children.keys() - in_features if not children[name].state_dict()}
    pre_logits = _part(model, in_head | unused, tensors=False)
    body = _part(model, in_features | children.keys() - in_head, tensors=True)
    stages = _stages(model, body, runs, image, features)
    if layout != "maps":
        stages["maps"] = _Maps(layout)
    sequence = sequential(**stages)
    sequence(image)
    return _Parts(sequence, pre_logits, layout, pre_logits.forward_head(features)[0].numel())


def _whole(model: Any, image: Tensor) -> _Parts:
    """Everything before the classifier is one stage, whose maps are 1 x 1."""
    body = _Body(model, whole=True)
    return _Parts(sequential(body=body, maps=_Maps("vector")), None, "vector", body(image)[0].numel())


def _layout(features: Tensor, channels: int) -> Layout:
    if features.ndim == 4:
        return "channels-last" if features.shape[1] != channels == features.shape[3] else "maps"
    return "tokens" if features.ndim == 3 else "vector"


def _stages(model: Any, body: nn.Module, runs: list[LayerRun], image: Tensor, features: Tensor) -> dict[str, nn.Module]:
    """The feature extractor as named stages."""
    levels = [level["module"] for level in getattr(model, "feature_info", ()) if isinstance(level, dict)]
    layers = _chain(runs, levels, "", image, features)
    return {"body": _Body(body)} if layers is None else _cut(model, layers, levels)


def _chain(runs: list[LayerRun], levels: list[str], parent: str, start: Any, end: Any) -> list[str] | None:
    """The layers directly in `parent` that turn `start` into `end`, each seeing only what the one before returned.

    A layer that ends no level but contains layers that do is replaced by those, where they are a chain again.
    None when there is no such chain: values take other ways, or something is done between the layers.
    """
    layers: list[str] = []
    value = start
    for run in runs:
        if run.name.rpartition(".")[0] != parent:
            continue
        if len(run.inputs) != 1 or run.inputs[0] is not value or run.name in layers:
            return None
        within = any(level.startswith(f"{run.name}.") for level in levels)
        inner = _chain(runs, levels, run.name, value, run.output) if within else None
        layers += inner or [run.name]
        value = run.output
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


def _part(model: nn.Module, children: set[str], *, tensors: bool) -> Any:
    """The same model with only these of its children; `tensors`: also with its own parameters and buffers."""
    part = copy.copy(model)
    part._modules = {name: child for name, child in model.named_children() if name in children}
    if not tensors:
        part._parameters, part._buffers = {}, {}
    return part
