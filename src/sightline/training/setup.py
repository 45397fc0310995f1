"""What a training needs besides the network: where it computes, and the images it will be dealt."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from sightline.config import TrainConfig
from sightline.data.batches import Batches, pixel_source, to_resident
from sightline.data.imageset import ArrayImages, ImageSet, Splits
from sightline.data.statistics import default_preprocess
from sightline.errors import ConfigError
from sightline.machine.device import Precision, find_device, find_precision, keep_freed_memory
from sightline.models.contract import Network
from sightline.pixels.preprocess import Preprocess
from sightline.training.validation import Validation

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
PREPARE_IMAGES = 5_000  # seen by `Network.prepare`, at most
PREPARE_PIXELS = 5_000 * 32 * 32  # of these images, at most, so that photos do not fill the memory


@dataclass(frozen=True, eq=False)
class Setup:
    """device, precision: where and how finely it computes. batches: the training images, on that device.

    preprocess: how images become network input. num_classes: of the data, and outputs of the network.
    """

    device: torch.device
    precision: Precision
    preprocess: Preprocess
    batches: Batches
    num_classes: int

    def sample(self) -> Tensor:
        """Training images as the network sees them, evenly spaced and not augmented: (N, C, H, W)."""
        height, width = self.preprocess.size
        count = max(1, min(PREPARE_IMAGES, PREPARE_PIXELS // (height * width)))
        return self.preprocess.normalise(self.batches.sample(count))

    def validation(self, image_set: ImageSet | None) -> Validation | None:
        """The validation split, None when there is none; what is in memory goes to the device."""
        if not image_set:
            return None
        images = image_set.images
        if images.encoded is None:
            images = ArrayImages(to_resident(image_set, self.preprocess).to(self.device))
        return Validation(images, image_set.labels.to(self.device), self.preprocess, self.precision)


def set_up(network: Network, splits: Splits, config: TrainConfig, preprocess: Preprocess | None) -> Setup:
    """Load the training images and bring the network to the device. Raises ConfigError when they do not match."""
    require_company(network, config, len(splits.train))
    keep_freed_memory()
    device = find_device(config.device)
    preprocess = preprocess or default_preprocess(splits.train, network.input_shape)
    batches = Batches(
        pixel_source(splits.train, preprocess),
        splits.train.labels,
        batch_size=config.batch_size,
        augment=config.augment,
        seed=config.seed,
        device=device,
        drop_last=True,
        sampling=config.sampling,
        size=preprocess.size,
    )
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    _require_match(network, preprocess.normalise(batches.sample(1)), len(splits.classes))
    return Setup(device, find_precision(config.precision, device), preprocess, batches, len(splits.classes))


def require_company(network: Network, config: TrainConfig, images: int) -> None:
    """Raise ConfigError when batches of `images` would hold one each, and batch norm needs more to compare."""
    if min(config.batch_size, images) == 1 and compares_images(network, config):
        name = network.architecture.name if network.architecture else type(network).__name__
        raise ConfigError(
            f"{name} cannot learn from one image at a time: its batch norm compares images",
            hint="use --batch-size 2 or more" if images > 1 else "give more training images",
        )


def compares_images(network: nn.Module, config: TrainConfig) -> bool:
    """Whether training takes the statistics of some batch norm from the images of a batch."""
    return any(isinstance(module, BATCH_NORMS) and not _stays(module, config) for module in network.modules())


def set_train_mode(network: nn.Module, config: TrainConfig) -> None:
    """Train mode, but for batch norms whose statistics are to stay: all of them, or those that are frozen."""
    network.train()
    for module in network.modules():
        if isinstance(module, BATCH_NORMS) and _stays(module, config):
            module.eval()


def _stays(norm: nn.Module, config: TrainConfig) -> bool:
    """Whether a batch norm keeps the statistics it has."""
    return config.freeze_statistics or _is_frozen(norm)


def _is_frozen(module: nn.Module) -> bool:
    parameters = list(module.parameters())
    return bool(parameters) and not any(parameter.requires_grad for parameter in parameters)


@torch.no_grad()
def _require_match(network: Network, image: Tensor, num_classes: int) -> None:
    """Raise ConfigError unless the network takes `image`, (1, C, H, W), and has one output for each class."""
    try:
        outputs = network.eval()(image).shape[1]
    except RuntimeError as error:
        own_shape, image_shape = (" x ".join(map(str, shape)) for shape in (network.input_shape, image.shape[1:]))
        raise ConfigError(
            f"the network does not take images of {image_shape}",
            hint=f"it was built for channels x height x width {own_shape}",
        ) from error
    if outputs != num_classes:
        raise ConfigError(
            f"the network has {outputs} outputs and the data {num_classes} classes",
            hint=f"build it with num_classes={num_classes}, or call network.replace_head({num_classes})",
        )
