"""From what a person asked for and what the data is to one complete plan of training."""

import dataclasses
import re

from sightline.config import TrainConfig, TrainOptions, require
from sightline.data.imageset import ArrayImages, Splits
from sightline.errors import ConfigError
from sightline.models.registry import find_model
from sightline.recipes import Facts, Plan, find_recipe

SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def facts_of(splits: Splits) -> Facts:
    """What a recipe may look at."""
    images = splits.train.images
    size = max(images.pixels.shape[2:]) if isinstance(images, ArrayImages) else images.size
    return Facts(data=splits.name, train_images=len(splits.train), size=size, channels=images.channels)


def make_plan(facts: Facts, options: TrainOptions) -> Plan:
    """The recipe's plan with every given option in place of the recipe's choice.

    Raises ConfigError for an unknown recipe or an impossible option, ModelError for an unknown network.
    """
    recipe = options.recipe
    if options.model is not None and not options.model.startswith("speednet"):
        find_model(options.model)  # an unknown name is said before anything about recipes
        require(recipe != "speed", f"the speed recipe does not train {options.model}", "use --recipe modern or default")
        recipe = "modern" if recipe == "default" else recipe
    plan = find_recipe(recipe)(dataclasses.replace(facts, batch_size=options.batch_size))
    model = plan.model if options.model is None else options.model
    size = plan.size if model == plan.model else _size_for(model, facts)
    size = size if options.size is None else options.size
    return Plan(model=model, size=size, config=_with_options(plan.config, options, model))


def check_options(options: TrainOptions) -> None:
    """Raise for what no data makes possible, before any is loaded or downloaded; see `make_plan`."""
    make_plan(Facts(data="any", train_images=1_000, size=32, channels=3), options)


def parse_time(text: str) -> float:
    """Seconds from "90", "90s", "10m" or "1.5h". Raises ConfigError."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smh]?)\s*", text)
    if not match or float(match[1]) == 0:
        raise ConfigError(f"time is '{text}'", hint="use a number of seconds, minutes or hours, e.g. 90s, 10m or 1h")
    return float(match[1]) * SECONDS[match[2]]


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
