"""From what a person asked for and what the data is to one complete plan of training."""

import dataclasses
import os
import re

from sightline.commands.train.recipes import BACKBONES, PRETRAINED, Facts, Plan, find_recipe
from sightline.config import AT_HAND, TrainConfig, TrainOptions, Transfer, require
from sightline.data.imageset import FileImages, Splits
from sightline.errors import ConfigError
from sightline.models.hub import find_weights
from sightline.models.registry import find_model, is_ours

BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def facts_of(splits: Splits) -> Facts:
    """What a recipe may look at."""
    images = splits.train.images
    size = images.size if isinstance(images, FileImages) else max(images.pixels.shape[2:])
    return Facts(data=splits.name, train_images=len(splits.train), size=size, channels=images.channels)


def make_plan(facts: Facts, options: TrainOptions) -> Plan:
    """The recipe's plan with every given option in place of the recipe's choice.

    Raises ConfigError for an unknown recipe or an impossible option, ModelError for an unknown network.
    """
    if options.model is not None:
        find_model(options.model)  # an unknown name is said before anything about recipes
    both = options.epochs is not None and options.time is not None
    require(not both, "--epochs and --time both say when to end", "give one of them")
    recipe = _recipe_name(facts, options)
    plan = find_recipe(recipe)(dataclasses.replace(facts, batch_size=options.batch_size))
    model = plan.model if options.model is None else options.model
    size = plan.size if model == plan.model or plan.size is None else _size_for(model, facts)
    return Plan(
        model=model,
        size=size if options.size is None else options.size,
        config=_with_options(plan.config, options, model),
        transfer=_transfer(plan.transfer, options),
        recipe=recipe,
    )


def wants_pretrained(options: TrainOptions) -> bool:
    """Whether what was asked for is a pretrained network: weights or such a recipe are named, or a network of timm's.

    Nobody names one of timm's networks to train it from scratch; who wants that says `--weights none`.
    """
    if options.weights is not None:
        return options.weights != "none"
    return options.recipe in PRETRAINED or (
        options.recipe == "default" and options.model is not None and not is_ours(options.model)
    )


def with_weights_at_hand(options: TrainOptions, facts: Facts) -> TrainOptions:
    """The options for photos, when nobody named a network: pretrained weights, where some lie on this machine.

    Nothing is downloaded unless a person asks for it.
    """
    asked = options.model is not None or options.weights is not None or options.recipe != "default"
    if asked or facts.size is not None:
        return options
    found = ((name, find_weights(name)) for name in BACKBONES)
    name, file = next(((name, file) for name, file in found if file), (None, None))
    return options if file is None else dataclasses.replace(options, model=name, weights=str(file))


def _recipe_name(facts: Facts, options: TrainOptions) -> str:
    """The recipe that was asked for, or the default one for this network and these images."""
    model, recipe = options.model, options.recipe
    if wants_pretrained(options):
        require(
            recipe in ("default", *PRETRAINED),
            f"the {recipe} recipe trains from scratch",
            f"leave out --weights, or use --recipe {' or '.join(PRETRAINED)}",
        )
        return "transfer" if recipe == "default" else recipe
    require(
        recipe not in PRETRAINED, f"the {recipe} recipe needs pretrained weights", "give --weights FILE or imagenet"
    )
    for name in ("head", "finetune"):
        require(
            getattr(options, name) is None,
            f"--{name} is for pretrained networks, and this one learns from scratch",
            "leave it out, or give --weights FILE or imagenet",
        )
    if model is None or model.startswith("speednet"):
        return recipe
    require(recipe != "speed", f"the speed recipe does not train {model}", "use --recipe modern or default")
    photos = facts.size is None and not is_ours(model)
    return recipe if recipe != "default" else "scratch" if photos else "modern"


def _transfer(proposed: Transfer | None, options: TrainOptions) -> Transfer | None:
    """The recipe's way from a pretrained network, with every given option in place of its choice."""
    if proposed is None:
        return None
    require(
        options.finetune != "none" or options.lr is None,
        "--lr is for training epoch by epoch, and --finetune none trains a head that needs no rate",
        "leave out --lr, or let the network be fine-tuned",
    )
    weights = proposed.weights if options.weights is None else options.weights
    return dataclasses.replace(
        proposed,
        weights=weights if weights in ("imagenet", AT_HAND) else os.path.abspath(weights),
        head=proposed.head if options.head is None else options.head,
        finetune=proposed.finetune if options.finetune is None else options.finetune,
    )


def check_options(options: TrainOptions) -> None:
    """Raise for what no data makes possible, before any is loaded or downloaded; see `make_plan`."""
    if options.model is None and options.weights is None and options.recipe == "default":
        # Whether a pretrained network learns is decided by the data: photos get one whose weights are at hand.
        options = dataclasses.replace(options, head=None, finetune=None)
    make_plan(Facts(data="any", train_images=1_000, size=32, channels=3), options)
    if options.cache is not None:
        parse_size(options.cache)


def parse_time(text: str) -> float:
    """Seconds from "90", "90s", "10m" or "1.5h". Raises ConfigError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if not match or float(match[1]) == 0:
        raise ConfigError(f"time is '{text}'", hint="use a number of seconds, minutes or hours, e.g. 90s, 10m or 1h")
    return float(match[1]) * SECONDS[match[2]]


def parse_size(text: str) -> int:
    """Bytes from "4GB", "500 MB" or "0". Raises ConfigError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt]?b?)\s*", text.lower())
    if not match:
        raise ConfigError(f"cache is '{text}'", hint="use a size such as 500MB or 4GB, or 0 for none")
    return int(float(match[1]) * BYTES[match[2].removesuffix("b") + "b" if match[2] else ""])


def _size_for(model: str, facts: Facts) -> int:
    """The images' own size where the network takes it, and the network's published size for photos of all sizes."""
    entry = find_model(model)
    return entry.size if facts.size is None else max(facts.size, entry.min_size)


def _with_options(config: TrainConfig, options: TrainOptions, model: str) -> TrainConfig:
    config = dataclasses.replace(
        config,
        epochs=config.epochs if options.epochs is None else options.epochs,
        seconds=None if options.time is None else parse_time(options.time),
        seed=options.seed,
        device=options.device,
        precision=options.precision,
        l2=find_model(model).l2 if options.recipe == "textbook" else config.l2,
    )
    return config if options.lr is None or options.lr == "auto" else config.with_lr(options.lr)
