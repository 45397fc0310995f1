"""From what a person asked for and what the data is to one complete plan of training.

`make_plan` weighs recipe and options; `plan` adds what depends on this data and this machine.
"""

import dataclasses
import os
import re
from dataclasses import dataclass

from sightline.commands.train.gather import Gathered
from sightline.commands.train.recipes import BACKBONES, PRETRAINED, DataFacts, Plan, find_recipe
from sightline.config import AT_HAND, TrainConfig, TrainOptions, Transfer, require
from sightline.data.audit.framing import choose_framing, explain_framing
from sightline.data.imageset import Splits
from sightline.data.sources.builtin import NAMES
from sightline.errors import ConfigError
from sightline.machine.device import find_device, find_precision
from sightline.models.hub import find_weights
from sightline.models.pretrained import Pretrained, load_pretrained
from sightline.models.registry import Architecture, find_architecture, find_model, is_ours
from sightline.pixels.preprocess import Preprocess
from sightline.runs.job import Job
from sightline.training.balance import with_balance
from sightline.training.setup import require_company

BYTES = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12}
SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600}


def facts_of(splits: Splits) -> DataFacts:
    """What a recipe may look at."""
    images = splits.train.images
    return DataFacts(data=splits.name, train_images=len(splits.train), size=images.size, channels=images.channels)


@dataclass(frozen=True, eq=False)
class Planned:
    """What will be trained and how; nothing is written or decoded yet.

    job: complete but for the statistics of images that a network learns from scratch; see `open.prepare_images`.
    pretrained: the network to begin with; None for one that learns from scratch.
    """

    job: Job
    pretrained: Pretrained | None


def plan(gathered: Gathered, options: TrainOptions | None = None) -> Planned:
    """The training that was asked for, on this data and this machine; `gather` has decided how the data is split.

    Raises ConfigError for an unknown recipe or an impossible option, ModelError for an unknown network or its weights.
    """
    options = options or TrainOptions()
    splits = gathered.splits
    facts = facts_of(splits)
    options = with_weights_at_hand(options, facts)
    proposed = make_plan(facts, options)
    pretrained, architecture, preprocess = _starting_point(proposed, splits)
    # Recipes part batches to suit the caches of a CPU. A GPU is quicker with whole ones; `fit` parts what does not fit.
    on_cpu = find_device(options.device).type == "cpu"
    config = proposed.config if on_cpu else dataclasses.replace(proposed.config, accumulate=1)
    if min(config.batch_size, len(splits.train)) == 1:  # or the outline would be drawn for nothing
        require_company(architecture.outline(), config, len(splits.train))
    data = gathered.data
    job = Job(
        data=os.path.abspath(data) if os.path.exists(data) and data not in NAMES else data,
        val=gathered.val,
        group_by=gathered.group_by,
        cache=options.cache,
        recipe=proposed.recipe,
        architecture=architecture,
        preprocess=dataclasses.replace(preprocess, fit=choose_framing(options.fit, gathered.audit, preprocess.size)),
        transfer=proposed.transfer,
        config=with_balance(config, options.balance, tuple(splits.train.counts().values())),
        find_lr=options.lr == "auto",
        fit_reason=explain_framing(options.fit, gathered.audit, preprocess.size),
        naive_too=options.naive_too,
        report=options.report,
    )
    return Planned(job, pretrained)


def make_plan(facts: DataFacts, options: TrainOptions) -> Plan:
    """The recipe's plan with every given option in place of the recipe's choice.

    Raises ConfigError for an unknown recipe or an impossible option, ModelError for an unknown network.
    """
    _require_consistent(options)
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


def with_weights_at_hand(options: TrainOptions, facts: DataFacts) -> TrainOptions:
    """The options for photos, when nobody named a network: pretrained weights, where some lie on this machine.

    Nothing is downloaded unless a person asks for it.
    """
    asked = options.model is not None or options.weights is not None or options.recipe != "default"
    if asked or facts.size is not None:
        return options
    candidates = ((name, find_weights(name)) for name in BACKBONES)
    name, file = next(((name, file) for name, file in candidates if file), (None, None))
    return options if file is None else dataclasses.replace(options, model=name, weights=str(file))


def _recipe_name(facts: DataFacts, options: TrainOptions) -> str:
    """The recipe that was asked for, or the default one for this network and these images."""
    model, recipe = options.model, options.recipe
    if recipe != "default" or (model or "speednet").startswith("speednet"):
        return "transfer" if recipe == "default" and wants_pretrained(options) else recipe
    if wants_pretrained(options):
        return "transfer"
    assert model is not None
    return "scratch" if facts.size is None and not is_ours(model) else "modern"


def _require_consistent(options: TrainOptions) -> None:
    """Raise for options that contradict each other, whatever the data."""
    model, recipe = options.model, options.recipe
    if model is not None:
        find_model(model)  # an unknown name is said before anything about recipes
    both = options.epochs is not None and options.time is not None
    require(not both, "--epochs and --time both say when to end", "give one of them")
    if wants_pretrained(options):
        require(
            recipe in ("default", *PRETRAINED),
            f"the {recipe} recipe trains from scratch",
            f"leave out --weights, or use --recipe {' or '.join(PRETRAINED)}",
        )
        return
    require(
        recipe not in PRETRAINED, f"the {recipe} recipe needs pretrained weights", "give --weights FILE or imagenet"
    )
    for name in ("head", "finetune"):
        require(
            getattr(options, name) is None,
            f"--{name} is for pretrained networks, and this one learns from scratch",
            "leave it out, or give --weights FILE or imagenet",
        )
    require(
        model is None or model.startswith("speednet") or recipe != "speed",
        f"the speed recipe does not train {model}",
        "use --recipe modern or default",
    )


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
    """Raise for what no data makes possible, before any is loaded or downloaded; `make_plan` raises the rest."""
    undecided = options.model is None and options.weights is None and options.recipe == "default"
    # Whether a pretrained network learns is then decided by the data: photos get one whose weights are at hand.
    _require_consistent(dataclasses.replace(options, head=None, finetune=None) if undecided else options)
    find_recipe(options.recipe)
    config = TrainConfig() if options.batch_size is None else TrainConfig(batch_size=options.batch_size)
    _with_options(config, options, options.model)
    if wants_pretrained(options):
        _transfer(Transfer(weights=AT_HAND), options)
    if options.cache is not None:
        parse_size(options.cache)
    find_precision(options.precision, find_device(options.device))


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


def _size_for(model: str, facts: DataFacts) -> int:
    """The images' own size where the network takes it, and the network's published size for photos of all sizes."""
    entry = find_model(model)
    return entry.size if facts.size is None else max(facts.size, entry.min_size)


def _with_options(config: TrainConfig, options: TrainOptions, model: str | None) -> TrainConfig:
    config = dataclasses.replace(
        config,
        epochs=config.epochs if options.epochs is None else options.epochs,
        seconds=None if options.time is None else parse_time(options.time),
        seed=options.seed,
        device=options.device,
        precision=options.precision,
        l2=find_model(model).l2 if model and options.recipe == "textbook" else config.l2,
    )
    return config if options.lr is None or options.lr == "auto" else config.with_lr(options.lr)


def _starting_point(plan: Plan, splits: Splits) -> tuple[Pretrained | None, Architecture, Preprocess]:
    """The pretrained network, if the plan has one, what is trained, and how it sees images: from scratch, unscaled."""
    classes, channels = len(splits.classes), splits.train.images.channels
    if plan.transfer is None:
        architecture = find_architecture(plan.model, num_classes=classes, in_channels=channels, size=plan.size)
        return None, architecture, _neutral_preprocess(architecture)
    pretrained = load_pretrained(
        plan.model, weights=weights_of(plan.transfer), num_classes=classes, size=plan.size, in_channels=channels
    )
    assert pretrained.network.architecture is not None
    return pretrained, pretrained.network.architecture, pretrained.preprocess


def _neutral_preprocess(architecture: Architecture) -> Preprocess:
    """How images are brought to the network's size and channels, before their statistics are known."""
    channels = architecture.in_channels
    return Preprocess(
        size=(architecture.size, architecture.size), channels=channels, mean=(0.0,) * channels, std=(1.0,) * channels
    )


def weights_of(transfer: Transfer) -> str | None:
    """The weights as `load_pretrained` takes them: None for those that lie on this machine."""
    return None if transfer.weights == AT_HAND else transfer.weights
