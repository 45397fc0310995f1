"""Networks by name: a dict and a decorator for our own, and timm's under the names they have there.

A name fixes one of our architectures completely, so that a model file need only record an `Architecture`: name,
classes, channels and size. Variants are therefore names of their own (`resnet18_small`), not options; only networks of
timm have options, which their weights may want (`pad_type="same"`). Where both have a name, the network is ours.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path
from typing import Any, Protocol, TypeVar

from torch.overrides import TorchFunctionMode

from sightline.errors import ModelError, near
from sightline.machine.late_compiler import late_compiler
from sightline.models.contract import Network, Options

# Pixels. A flattening head grows with the square of the size, so a typing slip would fill the memory.
LARGEST_SIZE = 4096

# Arguments of timm's builder that are decided here, or that would make it read files or the internet.
RESERVED_OPTIONS = frozenset(
    {"cache_dir", "checkpoint_path", "features_only", "in_chans", "num_classes", "pretrained", "pretrained_cfg"}
    | {"pretrained_cfg_overlay", "pretrained_strict"}
)

RANDOM_FILLS = frozenset(
    {"kaiming_normal_", "kaiming_uniform_", "normal_", "trunc_normal_", "uniform_", "xavier_normal_", "xavier_uniform_"}
)


class Builder(Protocol):
    """What is registered: a Network class or a function that returns one."""

    def __call__(self, num_classes: int, in_channels: int, size: int) -> Network: ...


B = TypeVar("B", bound=Builder)


@dataclass(frozen=True, kw_only=True)
class ModelEntry:
    """A network that can be built by name, and the images it was published for.

    size: height and width in pixels; min_size: the smallest the network can be built for.
    l2: the factor its source trains with, as in Keras: l2 * sum(w**2) of every filter and linear weight is added to the
        loss; 0 is none. The gradient is 2 * l2 * w, so it equals a coupled weight decay (torch's SGD) of 2 * l2.
    """

    name: str
    description: str
    paper: str
    size: int
    min_size: int
    in_channels: int
    num_classes: int
    l2: float
    build: Builder

    @property
    def parameters(self) -> int:
        """How many parameters there are at the published size, channels and classes."""
        return Architecture(
            name=self.name, num_classes=self.num_classes, in_channels=self.in_channels, size=self.size
        ).parameters


_entries: dict[str, ModelEntry] = {}


def register(
    name: str,
    *,
    size: int,
    in_channels: int = 3,
    num_classes: int = 10,
    min_size: int = 1,
    description: str,
    paper: str = "",
    l2: float = 0.0,
) -> Callable[[B], B]:
    """Decorator that lists a builder under `name`. Raises ModelError when the name is taken."""

    def add(build: B) -> B:
        if name in _entries:
            raise ModelError(f"a network named '{name}' is already registered", hint="choose another name")
        _entries[name] = ModelEntry(
            name=name,
            description=description,
            paper=paper,
            size=size,
            min_size=min_size,
            in_channels=in_channels,
            num_classes=num_classes,
            l2=l2,
            build=build,
        )
        return build

    return add


@cache
def _import_architectures() -> None:
    """Import every module of the zoo: each registers its networks, and a new file cannot be forgotten."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent / "zoo")]):
        importlib.import_module(f"sightline.models.zoo.{module.name}")


def list_models(filter: str = "") -> list[ModelEntry]:
    """Our own networks whose name contains `filter`, by name."""
    _import_architectures()
    return [_entries[name] for name in sorted(_entries) if filter.lower() in name]


def list_timm_models(filter: str = "") -> list[str]:
    """The names of timm's networks with `filter` in them that are not ours."""
    with late_compiler():
        import timm

    _import_architectures()
    return [name for name in timm.list_models() if filter.lower() in name and name not in _entries]


def find_model(name: str) -> ModelEntry:
    """The entry of one network, ours or timm's. Raises ModelError with the nearest names when there is none."""
    _import_architectures()
    return _entries[name] if name in _entries else _timm_entry(name)


def is_ours(name: str) -> bool:
    """Whether the network of that name is written here rather than in timm."""
    _import_architectures()
    return name in _entries


@cache
def _timm_entry(name: str) -> ModelEntry:
    """timm's network `name`, which may say which weights are meant ("resnet50.tv_in1k")."""
    with late_compiler():
        import timm  # here: our own networks need not wait for it

    if not timm.is_model(name):
        known = [*_entries, *timm.list_models()]
        similar = get_close_matches(name.lower(), known, n=1, cutoff=0.5)
        raise ModelError(f"there is no network named '{name}'", hint=near(name, known if similar else _entries))
    config = timm.models.get_pretrained_cfg(name, allow_unregistered=False)
    channels, size, _ = (3, 224, 224) if config is None else config.input_size
    free = config is None or not config.fixed_input_size
    return ModelEntry(
        name=name,
        description="from timm",
        paper="",
        size=size,
        min_size=32 if free else size,  # what all shrink an image by, pixel for pixel
        in_channels=channels,
        num_classes=1000 if config is None else max(1, config.num_classes),
        l2=0.0,
        build=partial(_build_timm, name, {}),
    )


def _build_timm(name: str, options: Options, num_classes: int, in_channels: int, size: int) -> Network:
    from sightline.models.timm_network import TimmNetwork

    return TimmNetwork(name, num_classes, in_channels, size, options=options)


@dataclass(frozen=True, kw_only=True)
class Architecture:
    """Everything that determines a network but its weights; the JSON in a model file.

    Raises ModelError when there is no such network or it cannot be built so.
    """

    name: str
    num_classes: int
    in_channels: int  # 1 grey, 3 RGB
    size: int  # height and width in pixels
    options: Options = field(default_factory=dict, hash=False)  # of timm's builder; our own networks have none
    hidden: int = 0  # units of a hidden layer that was put before the output; 0 is none

    def __post_init__(self) -> None:
        entry = find_model(self.name)
        self._check_options()
        if self.num_classes < 1:
            raise ModelError(f"num_classes is {self.num_classes}", where=self.name, hint="a classifier needs 1 or more")
        if self.in_channels < 1:
            raise ModelError(f"in_channels is {self.in_channels}", where=self.name, hint="use 1 for grey, 3 for RGB")
        if self.size < entry.min_size:
            raise ModelError(
                f"images of {self.size} x {self.size} pixels are too small",
                where=self.name,
                hint=f"use a size of {entry.min_size} or more (published for {entry.size})",
            )
        if self.size > LARGEST_SIZE:
            raise ModelError(
                f"images of {self.size} x {self.size} pixels are too large",
                where=self.name,
                hint=f"use a size of {LARGEST_SIZE} or less (published for {entry.size})",
            )

    def build(self) -> Network:
        """The network, freshly initialised from torch's global generator."""
        build = partial(_build_timm, self.name, self.options) if self.options else find_model(self.name).build
        network = build(self.num_classes, self.in_channels, self.size)
        if self.hidden:
            network.replace_head(self.num_classes, hidden=self.hidden)
        network.architecture = self
        return network

    def outline(self) -> Network:
        """The network with whatever is in memory for weights: made at once, however large, for counting and drawing."""
        with _Unfilled():
            return self.build()

    @property
    def parameters(self) -> int:
        """How many parameters the network has. The running statistics of batch norm are buffers, not parameters."""
        return sum(parameter.numel() for parameter in self.outline().parameters())

    def _check_options(self) -> None:
        if self.options and is_ours(self.name):
            raise ModelError(f"{self.name} has no options", where=", ".join(self.options), hint="leave them out")
        for key, value in self.options.items():
            if key in RESERVED_OPTIONS:
                raise ModelError(f"{key} is no option of a network", where=self.name, hint="leave it out")
            if not isinstance(value, str | int | float | bool):
                raise ModelError(
                    f"option {key} is {value!r}", where=self.name, hint="use a word, number, true or false"
                )


class _Unfilled(TorchFunctionMode):
    """Within it, weights are not initialised: their memory is never touched, and so costs neither time nor space.

    Torch's meta device would do as well, but its first use imports the compiler, which takes a second.
    """

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func.__name__ in RANDOM_FILLS:
            return [*args, *(kwargs or {}).values()][0]
        return func(*args, **(kwargs or {}))


def find_architecture(
    name: str,
    *,
    num_classes: int,
    in_channels: int | None = None,
    size: int | None = None,
    options: Options | None = None,
) -> Architecture:
    """The architecture called `name`; channels and size are the published ones unless given."""
    entry = find_model(name)
    return Architecture(
        name=name,
        num_classes=num_classes,
        in_channels=entry.in_channels if in_channels is None else in_channels,
        size=entry.size if size is None else size,
        options=dict(options or {}),
    )


def create_model(name: str, *, num_classes: int, in_channels: int | None = None, size: int | None = None) -> Network:
    """A freshly initialised network. Raises ModelError for an unknown name or an impossible size.

    in_channels: 1 for grey or 3 for RGB images; size: height and width in pixels; by default the published ones.
    """
    return find_architecture(name, num_classes=num_classes, in_channels=in_channels, size=size).build()
