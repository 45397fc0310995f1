"""Every setting of a training, as frozen dataclasses that are also the JSON in the run folder.

Nothing here imports torch: the command line derives its flags from `TrainOptions` and must answer `--help` at once.
"""

import dataclasses
import json
import math
import re
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal, TypeVar

from sightline.errors import ConfigError, near

OptimizerName = Literal["sgd", "adamw", "muon"]
ScheduleName = Literal["constant", "linear", "cosine", "onecycle", "step"]
PrecisionName = Literal["auto", "bf16", "fp32"]
ViewsName = Literal["plain", "mirror", "shift", "mirror-shift"]
BalanceName = Literal["auto", "none", "sampler", "loss"]
HeadName = Literal["linear", "mlp"]
ReportName = Literal["full", "quick"]
FramingName = Literal["auto", "crop", "pad", "squash"]

AT_HAND = "at hand"  # weights of a network that lie on this machine

UNIONS = (types.UnionType, typing.Union)  # `int | None` is the former, `Literal["a"] | None` the latter

T = TypeVar("T")


def require(condition: bool, what: str, hint: str) -> None:
    """Raise ConfigError unless `condition` holds."""
    if not condition:
        raise ConfigError(what, hint=hint)


def require_choices(config: Any) -> None:
    """Raise ConfigError unless every field of a dataclass that is typed as a Literal has one of its values."""
    kind: Any = type(config)
    for name, choices in _choices(kind).items():
        if (value := getattr(config, name)) not in choices:
            raise ConfigError(f"{name} is {value!r}", hint=near(str(value), filter(None, choices)))


@cache
def _choices(kind: type) -> dict[str, tuple[str | None, ...]]:
    """The possible values of the fields that are a Literal, or a Literal or None."""
    choices: dict[str, tuple[str | None, ...]] = {}
    for name, hint in typing.get_type_hints(kind).items():
        alternatives = typing.get_args(hint) if typing.get_origin(hint) in UNIONS else (hint,)
        [first, *more] = [part for part in alternatives if part is not type(None)]
        if typing.get_origin(first) is Literal and not more:
            choices[name] = typing.get_args(first) + ((None,) if type(None) in alternatives else ())
    return choices


def _is_pattern(text: str) -> bool:
    try:
        re.compile(text)
    except re.error:
        return False
    return True


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How training images are varied. Everything is off by default; evaluation never augments.

    Ranges are symmetric: `rotate=10` draws an angle from -10 to +10 degrees for each image.
    """

    flip: Literal["none", "random", "alternating"] = "none"  # left-right; alternating: arXiv 2404.00498, section 3.6
    vertical_flip: bool = False  # top-bottom, half of the images
    resized_crop: float = 0.0  # smallest share of the image's area that a random crop keeps, above 0 to 1; 0 is off
    shift: int = 0  # pixels: a random crop of the image padded by this much
    padding: Literal["reflect", "edge", "constant"] = "reflect"  # what fills the pixels that come in at the border
    rotate: float = 0.0  # degrees, 0 to 180
    zoom: float = 0.0  # fraction of the size, 0 to below 1
    shear: float = 0.0  # degrees, 0 to below 90
    brightness: float = 0.0  # fraction, 0 to 1
    contrast: float = 0.0  # fraction, 0 to 1
    saturation: float = 0.0  # fraction, 0 to 1
    hue: float = 0.0  # fraction of the colour circle, 0 to 0.5
    erase: float = 0.0  # probability of a random rectangle being erased
    cutout: int = 0  # side in pixels of the square that is blanked in every image
    policy: Literal["none", "rand", "trivial"] = "none"  # RandAugment or TrivialAugment from torchvision
    mixup: float = 0.0  # Beta(a, a) parameter; 0 is off
    cutmix: float = 0.0  # Beta(a, a) parameter; 0 is off

    def __post_init__(self) -> None:
        require_choices(self)
        require(self.shift >= 0 and self.cutout >= 0, "shift and cutout are sizes in pixels", "use 0 or more")
        require(0 <= self.rotate <= 180, f"rotate is {self.rotate}", "use 0 to 180 degrees")
        require(0 <= self.zoom < 1, f"zoom is {self.zoom}", "use 0 <= zoom < 1, e.g. 0.1")
        require(0 <= self.shear < 90, f"shear is {self.shear}", "use 0 to below 90 degrees, e.g. 10")
        for name in ("resized_crop", "brightness", "contrast", "saturation", "erase"):
            value = getattr(self, name)
            require(0 <= value <= 1, f"{name} is {value}", "use 0 to 1")
        require(0 <= self.hue <= 0.5, f"hue is {self.hue}", "use 0 to 0.5")
        require(self.mixup >= 0 and self.cutmix >= 0, "mixup and cutmix are Beta parameters", "use 0 (off) or above")


@dataclass(frozen=True, kw_only=True)
class ParameterGroup:
    """Which parameters one optimiser updates, and how. The first group that matches a parameter takes it.

    match: a regular expression searched in the parameter's name, or "filters" for every 4-d convolution weight.
    """

    match: str = ""
    optimizer: OptimizerName = "sgd"
    lr: float = 0.1  # the peak; the schedule scales it
    momentum: float = 0.9  # SGD and Muon (Nesterov); the first beta of AdamW
    beta2: float = 0.999  # AdamW only
    weight_decay: float = 0.0  # SGD: added to the gradient; AdamW and Muon: decoupled, times lr
    renormalise: bool = False  # Muon: bring each weight to norm sqrt(rows) first; for filters before batch norm
    stop_at: float = 1.0  # fraction of training at which this group's schedule has run out

    def __post_init__(self) -> None:
        require_choices(self)
        require(_is_pattern(self.match), f"match is '{self.match}'", "use a regular expression, e.g. norm or bias$")
        require(0 < self.lr < math.inf, f"lr is {self.lr}", "use a learning rate above 0, e.g. 0.1")
        require(0 <= self.momentum < 1, f"momentum is {self.momentum}", "use 0 <= momentum < 1, e.g. 0.9")
        require(0 <= self.beta2 < 1, f"beta2 is {self.beta2}", "use 0 <= beta2 < 1, e.g. 0.999")
        require(self.weight_decay >= 0, f"weight_decay is {self.weight_decay}", "use 0 or more, e.g. 5e-4")
        require(0 < self.stop_at <= 1, f"stop_at is {self.stop_at}", "use a fraction in (0, 1]")


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """One training, completely: what `fit` needs besides a network and images."""

    epochs: int = 20
    seconds: float | None = None  # a budget: the schedule then ends when the time does, whatever `epochs` says
    batch_size: int = 256  # images per optimiser step
    groups: tuple[ParameterGroup, ...] = (ParameterGroup(),)
    schedule: ScheduleName = "cosine"
    warmup_fraction: float = 0.0  # of all steps, linear from 0
    label_smoothing: float = 0.0
    class_weights: Literal["none", "balanced"] = "none"  # balanced: a rare class's errors weigh more in the loss
    sampling: Literal["shuffle", "balanced"] = "shuffle"  # balanced: every class is drawn equally often
    l2: float = 0.0  # l2 * sum(w ** 2) of every filter and linear weight joins the loss, as in Keras
    ema_decay: float = 0.0  # per step; 0 is off; the averaged weights are the ones evaluated and kept
    start_share: float = 0.0  # of the initial weights in those that are evaluated and kept: for fine-tuning
    clip_norm: float = 0.0  # largest gradient norm; 0 is off
    accumulate: int = 1  # parts in which a batch goes through the network; their gradients are added up
    patience: int = 0  # epochs without a better validation before stopping; 0 is off
    plateau_patience: int = 0  # epochs without a better validation before the rate falls; 0 is off
    plateau_factor: float = 0.1
    keep_best: bool = True  # end with the weights of the best validation epoch rather than the last
    start_competes: bool = False  # keep_best may keep the initial weights, too: for a network that is trained already
    freeze_statistics: bool = False  # batch norm uses the statistics it came with and leaves them alone
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    views: ViewsName = "plain"  # views of each image averaged when the trained classifier is used
    precision: PrecisionName = "auto"
    device: str = "auto"
    checkpoint_seconds: float = 30.0  # at most this much work is lost
    seed: int = 0

    def __post_init__(self) -> None:
        require_choices(self)
        require(self.epochs >= 1, f"epochs is {self.epochs}", "train for at least 1 epoch")
        require(self.seconds is None or self.seconds > 0, f"seconds is {self.seconds}", "give a time above 0, e.g. 600")
        require(self.batch_size >= 1, f"batch_size is {self.batch_size}", "use 1 or more images, e.g. 256")
        require(len(self.groups) >= 1, "groups is empty", "give at least one ParameterGroup")
        require(
            0 <= self.warmup_fraction < 1,
            f"warmup_fraction is {self.warmup_fraction}",
            "use 0 <= fraction < 1, e.g. 0.1",
        )
        require(
            0 <= self.label_smoothing < 1,
            f"label_smoothing is {self.label_smoothing}",
            "use 0 <= smoothing < 1, e.g. 0.1",
        )
        require(self.l2 >= 0, f"l2 is {self.l2}", "use 0 or more, e.g. 1e-4")
        require(0 <= self.ema_decay < 1, f"ema_decay is {self.ema_decay}", "use 0 <= decay < 1, e.g. 0.999")
        require(0 <= self.start_share < 1, f"start_share is {self.start_share}", "use 0 <= share < 1, e.g. 0.5")
        require(self.clip_norm >= 0, f"clip_norm is {self.clip_norm}", "use 0 (off) or a norm above 0")
        require(
            1 <= self.accumulate <= self.batch_size, f"accumulate is {self.accumulate}", "use 1 to batch_size parts"
        )
        require(
            self.keep_best or not self.start_competes,
            "start_competes is on and keep_best is off",
            "the initial weights can only be kept when the best are: use keep_best",
        )
        require(self.patience >= 0 and self.plateau_patience >= 0, "patience is negative", "use 0 (off) or more epochs")
        require(
            0 < self.plateau_factor < 1, f"plateau_factor is {self.plateau_factor}", "use a factor in (0, 1), e.g. 0.1"
        )
        require(self.checkpoint_seconds > 0, f"checkpoint_seconds is {self.checkpoint_seconds}", "use a time above 0")
        require(0 <= self.seed < 2**63, f"seed is {self.seed}", "use a whole number from 0 to 2**63 - 1")

    @property
    def lr(self) -> float:
        """The peak learning rate of the first group: the one `--lr` sets."""
        return self.groups[0].lr

    def with_lr(self, lr: float) -> "TrainConfig":
        """The same training with the first group's peak at `lr` and every other group's scaled alike."""
        first, *others = self.groups
        leader = dataclasses.replace(first, lr=lr)  # before the others: an impossible rate is named as it was given
        scaled = [dataclasses.replace(group, lr=group.lr * (lr / first.lr)) for group in others]
        return dataclasses.replace(self, groups=(leader, *scaled))


@dataclass(frozen=True, kw_only=True)
class Transfer:
    """How a pretrained network becomes a classifier of new classes.

    First the network stays as it is and only a new head learns from its features; then, as `finetune` says, part of the
    network learns with it, and the better of the two by validation is kept.
    """

    weights: str = AT_HAND  # a file; "imagenet": downloaded if need be; or only what lies on this machine
    head: HeadName = "linear"
    finetune: str = "auto"  # none, auto, all, or the number of last blocks
    by_depth: bool = True  # rates fall from the head towards the image; otherwise all are one

    def __post_init__(self) -> None:
        require_choices(self)
        known = self.finetune in ("none", "auto", "all") or (self.finetune.isdecimal() and int(self.finetune) > 0)
        require(known, f"finetune is '{self.finetune}'", "use none, auto, all or a number of blocks, e.g. 3")

    def stays_frozen(self, *, validated: bool) -> bool:
        """Whether there is no second stage; auto has one only where validation images can say whether it pays."""
        return self.finetune == "none" or (self.finetune == "auto" and not validated)


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """What a person may say about a training; whatever is left out, the recipe decides."""

    model: str | None = None
    """Architecture; `sightline models` lists them."""
    weights: str | None = None
    """Pretrained weights: a file, imagenet (downloaded if need be), or none (default: what lies on this machine)."""
    head: HeadName | None = None
    """New head of a pretrained network: linear, or mlp (256 units, ReLU, dropout)."""
    finetune: str | None = None
    """How much of a pretrained network learns after its new head: auto, none, all, or a number of last blocks."""
    recipe: str = "default"
    """Named training configuration: default, speed, modern, textbook, transfer, two-step or scratch."""
    epochs: int | None = None
    """How often every training image is seen."""
    time: str | None = None
    """Time for the whole command, e.g. 90s, 10m, 1h: the schedule is planned to end there."""
    size: int | None = None
    """Height and width in pixels at which the network sees images."""
    fit: FramingName = "auto"
    """How images of other shapes are brought to it: crop (the centre), pad, squash, or what suits most of them."""
    cache: str | None = None
    """Disk for decoded photos, e.g. 4GB; sets beyond it are decoded every epoch, those under 4 MB stay in memory."""
    batch_size: int | None = None
    """Images per optimiser step."""
    lr: float | Literal["auto"] | None = None
    """Peak learning rate of the main parameter group; the others keep their ratio to it. auto: by a range test."""
    balance: BalanceName = "auto"
    """Rare classes: drawn as often as common ones (sampler), weighing more in the loss (loss), or neither (none)."""
    val: str | None = None
    """Validation share of the training images, e.g. 0.1 or 10%; 0 trains on everything."""
    group_by: str | None = None
    """Images that belong together and are never split: a CSV column, or a regular expression on their paths."""
    naive_too: bool = False
    """Also train on a split that ignores duplicates and groups, to see how much it flatters."""
    report: ReportName = "full"
    """full looks into the trained network for some seconds more; quick does not: `sightline report` can do it later."""
    seed: int = 0
    """Seed of the split, the initial weights, the order and the augmentation."""
    device: str = "auto"
    """auto, cpu, cuda, cuda:1 or mps."""
    precision: PrecisionName = "auto"
    """auto takes bf16 where the hardware is faster with it."""
    out: str | None = None
    """Run folder to create (default: runs/DATA-MODEL-N)."""
    resume: str | None = None
    """Run folder of an interrupted training to go on with."""

    def __post_init__(self) -> None:
        require_choices(self)


def to_json(config: Any) -> dict[str, Any]:
    """A dataclass as plain JSON types."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return plain


def from_json(kind: type[T], data: Mapping[str, Any], *, where: str = "") -> T:
    """A dataclass of `kind` from plain JSON types. Raises ConfigError naming an unknown key or a wrong type."""
    where = where or kind.__name__
    hints = typing.get_type_hints(kind)
    known = {f.name for f in dataclasses.fields(typing.cast(Any, kind))}
    for key in data:
        if key not in known:
            raise ConfigError(f"unknown key '{key}'", where=where, hint=near(key, known))
    try:
        return kind(**{key: _value(hints[key], value, where=f"{where}.{key}") for key, value in data.items()})
    except TypeError as error:
        raise ConfigError(f"incomplete settings: {error}", where=where) from error


def _value(hint: Any, value: Any, *, where: str) -> Any:
    """`value`, from JSON, as the type `hint` wants it."""
    if hint is Any:
        return value
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return _alternative(arguments, value, where=where)
    if origin is Literal:
        if value not in arguments:
            raise ConfigError(f"'{value}' is not possible", where=where, hint=near(str(value), map(str, arguments)))
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ConfigError(f"expected a list, found {value!r}", where=where)
        kinds = [arguments[0]] * len(value) if arguments[-1] is Ellipsis else list(arguments)
        if len(kinds) != len(value):
            raise ConfigError(f"expected {len(kinds)} values, found {len(value)}", where=where)
        return tuple(
            _value(kind, item, where=f"{where}[{i}]") for i, (kind, item) in enumerate(zip(kinds, value, strict=True))
        )
    if origin is Mapping:
        if not isinstance(value, Mapping):
            raise ConfigError(f"expected names with values, found {value!r}", where=where)
        return {key: _value(arguments[1], item, where=f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise ConfigError(f"expected settings of {hint.__name__}, found {value!r}", where=where)
        return from_json(hint, value, where=where)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise ConfigError("the number is too large", where=where, hint="use one below 1e308") from error
    if isinstance(hint, type) and (not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool)):
        raise ConfigError(f"expected {hint.__name__}, found {value!r}", where=where)
    return value


def _alternative(kinds: tuple[Any, ...], value: Any, *, where: str) -> Any:
    """`value` as the first of these types that can have it. Raises ConfigError, what the first type says of it."""
    if value is None and type(None) in kinds:
        return None
    errors = []
    for kind in kinds:
        try:
            return _value(kind, value, where=where)
        except ConfigError as error:
            errors.append(error)
    raise errors[0]
