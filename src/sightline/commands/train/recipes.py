"""Named training configurations. Each is a function from what is known of the data to a `Plan`.

A recipe only proposes: every option a person gives replaces its choice. Figures: docs/experiments.md.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

from sightline.config import AugmentConfig, ParameterGroup, TrainConfig, Transfer, require
from sightline.errors import ConfigError, near

SMALL = 64  # pixels; larger images than this are photos, which the default recipe shrinks to it
PRETRAINED = ("transfer", "two-step")  # recipes that begin with a pretrained network
BACKBONES = (  # for transfer learning when nobody names one; the first is the quickest on two cores
    "mobilenetv2_100",
    "mobilenetv3_large_100",
    "efficientnet_b0",
    "resnet50",
    "convnext_tiny",
)
MIRRORED = frozenset({"cifar10", "cifar100", "fashion-mnist"})  # named sets whose classes survive a mirror


@dataclass(frozen=True, kw_only=True)
class DataFacts:
    """What a recipe may look at.

    size: of small images in pixels, None for photos. channels: 1 or 3. batch_size: as asked, None if nobody did.
    """

    data: str
    train_images: int
    size: int | None
    channels: int
    batch_size: int | None = None

    def __post_init__(self) -> None:
        small = self.batch_size is not None and self.batch_size < 1
        require(not small, f"batch_size is {self.batch_size}", "use 1 or more images, e.g. 256")

    def batch_or(self, proposed: int) -> int:
        """The batch size that was asked for, or the recipe's own."""
        return proposed if self.batch_size is None else self.batch_size


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A network, the size at which it sees images, and how it is trained.

    size: None for the one the network was published for. transfer: None for training from scratch. recipe: the name of
    the recipe that proposed it, as `make_plan` fills it in.
    """

    model: str
    size: int | None
    config: TrainConfig
    transfer: Transfer | None = None
    recipe: str = ""


Recipe = Callable[[DataFacts], Plan]


def speed(facts: DataFacts) -> Plan:
    """The fastest way to a good network for small images.

    SpeedNet trained by Muon (filters), AdamW (biases) and SGD (the head) with label smoothing, alternating flip, small
    shifts, a rate that falls straight to zero, and averaged mirror and shifted views at test. Network, rates, momenta
    and decay are those of arXiv 2404.00498 and the public notes of its later versions, but for the biases: see
    `speed_groups`. Gradients are accumulated over parts of 250 images, which fit into the processor's cache.
    """
    size = _network_size(facts)
    mirrored = _mirrored(facts)
    batch_size = facts.batch_or(max(16, min(2_000 if facts.channels == 3 else 1_000, facts.train_images // 20)))
    return Plan(
        model="speednet" if facts.channels == 3 else "speednet_s",
        size=size,
        config=TrainConfig(
            epochs=8,
            batch_size=batch_size,
            accumulate=max(1, batch_size // 250),
            groups=speed_groups(batch_size),
            schedule="linear",
            label_smoothing=0.2,
            keep_best=False,
            augment=AugmentConfig(
                flip="alternating" if mirrored else "none",
                shift=max(1, size // 16),
                padding="reflect" if facts.channels == 3 else "constant",
            ),
            views="mirror-shift" if mirrored else "shift",
        ),
    )


def speed_groups(batch_size: int) -> tuple[ParameterGroup, ...]:
    """The parameter groups of the speed recipe.

    The source sums the loss over the batch where `fit` takes the mean, so the head's rate is per image, times the
    batch. It trains biases by SGD too; on MNIST, whose black borders make channels almost constant, their gradients
    then grew ten thousandfold within two steps and half of the seeds collapsed. AdamW's steps do not depend on the
    gradient's scale: 6 of 6 seeds train (docs/experiments.md).
    """
    head_lr, head_decay = 0.67 * batch_size, 2e-6 * batch_size
    return (
        ParameterGroup(match="filters", optimizer="muon", lr=0.24, momentum=0.6, renormalise=True),
        ParameterGroup(match="whiten", optimizer="adamw", lr=0.03, momentum=0.85, beta2=0.95, stop_at=3 / 8),
        ParameterGroup(match="norm", optimizer="adamw", lr=0.03, momentum=0.85, beta2=0.95),
        ParameterGroup(match="", optimizer="sgd", lr=head_lr, momentum=0.85, weight_decay=head_decay / head_lr),
    )


# This network, for so many epochs, is the best trade of accuracy and time that we found for each named set.
DEFAULTS = {
    "digits": ("speednet_s", 10),
    "mnist": ("speednet_xs", 5),
    "fashion-mnist": ("speednet_s", 12),
    "cifar10": ("speednet", 10),
    "cifar100": ("speednet", 12),
}
UNSMOOTHED = frozenset({"fashion-mnist"})  # recognised as well without label smoothing, its probabilities are truer


def default(facts: DataFacts) -> Plan:
    """The speed recipe with what suits the named sets, and 20 epochs for other images."""
    plan = speed(facts)
    model, epochs = DEFAULTS.get(facts.data, (plan.model, 20))
    smoothing = 0.0 if facts.data in UNSMOOTHED else plan.config.label_smoothing
    config = dataclasses.replace(plan.config, epochs=epochs, label_smoothing=smoothing)
    return dataclasses.replace(plan, model=model, config=config)


def modern(facts: DataFacts) -> Plan:
    """What trains every network of the zoo decently: AdamW, one cycle, label smoothing, flips and shifts."""
    plan = speed(facts)
    augment = plan.config.augment
    config = TrainConfig(
        epochs=20,
        batch_size=facts.batch_or(max(8, min(128, facts.train_images // 10))),
        groups=(ParameterGroup(optimizer="adamw", lr=1e-3, weight_decay=0.05),),
        schedule="onecycle",
        label_smoothing=0.1,
        augment=dataclasses.replace(augment, flip="random" if augment.flip == "alternating" else "none"),
    )
    return dataclasses.replace(plan, model="resnet18_small", config=config)


def textbook(facts: DataFacts) -> Plan:
    """As beginners' pages train: Adam at a constant 1e-3, batches of 64, nothing varied, the last weights kept.

    The network is the one those pages build: `mnist_cnn` for grey images, `cifar_cnn` for colour.
    """
    return Plan(
        model="mnist_cnn" if facts.channels == 1 else "cifar_cnn",
        size=_network_size(facts),
        config=TrainConfig(
            epochs=5 if facts.channels == 1 else 20,
            batch_size=facts.batch_or(64),
            groups=(ParameterGroup(optimizer="adamw", lr=1e-3),),  # without weight decay AdamW is Adam
            schedule="constant",
            keep_best=False,
        ),
    )


def transfer(facts: DataFacts) -> Plan:
    """A pretrained network: a linear head on what it already sees, then, when that pays, the network along with it.

    The head learns from features that are computed once. Fine-tuning is AdamW with rates that fall with depth, in
    crops of at least a third of a photo, mirrored or not; what counts are the weights halfway between the first stage's
    and the averaged ones of the second. Batch norm keeps the statistics it came with.
    """
    config = TrainConfig(
        epochs=5,
        batch_size=facts.batch_or(32),
        groups=(ParameterGroup(optimizer="adamw", lr=3e-3, weight_decay=0.01),),
        schedule="onecycle",
        label_smoothing=0.1,
        ema_decay=0.98,
        start_share=0.5,
        freeze_statistics=True,
        augment=AugmentConfig(flip="random" if _mirrored(facts) else "none", resized_crop=0.35),
    )
    return Plan(model=BACKBONES[0], size=None, config=config, transfer=Transfer())


def two_step(facts: DataFacts) -> Plan:
    """As textbooks do it: a hidden layer of 256 on frozen features, then the last blocks at 1e-5, all at one rate."""
    plan = transfer(facts)
    config = dataclasses.replace(
        plan.config, groups=(ParameterGroup(optimizer="adamw", lr=1e-5),), schedule="constant", label_smoothing=0.0
    )
    return dataclasses.replace(plan, config=config, transfer=Transfer(head="mlp", finetune="2", by_depth=False))


def scratch(facts: DataFacts) -> Plan:
    """Every weight learnt from these photos alone: what is left when no pretrained network may be used."""
    plan = modern(facts)
    augment = dataclasses.replace(plan.config.augment, shift=0, resized_crop=0.35)
    config = dataclasses.replace(plan.config, augment=augment, epochs=30)
    return dataclasses.replace(plan, model="resnet18", size=None, config=config)


RECIPES: dict[str, Recipe] = {
    "default": default,
    "speed": speed,
    "modern": modern,
    "textbook": textbook,
    "transfer": transfer,
    "two-step": two_step,
    "scratch": scratch,
}


def find_recipe(name: str) -> Recipe:
    """The recipe called `name`. Raises ConfigError with the nearest names."""
    if name not in RECIPES:
        raise ConfigError(f"there is no recipe named '{name}'", hint=near(name, RECIPES))
    return RECIPES[name]


def _network_size(facts: DataFacts) -> int:
    """The size at which the network sees images: their own if it is small, at least what three poolings need."""
    size = facts.size or SMALL
    require(size >= 1, f"images have a size of {size}", "use images of at least 1 pixel")
    return max(16, min(size, SMALL))


def _mirrored(facts: DataFacts) -> bool:
    """Whether a mirrored image may keep its class: photos do, digits and letters do not."""
    return facts.data in MIRRORED or facts.channels == 3
