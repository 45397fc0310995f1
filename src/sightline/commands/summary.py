"""`sightline summary`: a network by its name, layer by layer."""

from sightline.models.registry import find_architecture, find_model
from sightline.models.summary import Summary, summary


def summarise(
    model: str, *, size: int | None = None, classes: int | None = None, channels: int | None = None
) -> Summary:
    """Shapes, parameters, multiply-adds and receptive fields of the network called `model`, whose weights are not made.

    size: height and width in pixels. classes: outputs. channels: of an image. Each by default as published.
    Raises ModelError for an unknown name or a size that is too small.
    """
    num_classes = find_model(model).num_classes if classes is None else classes
    return summary(find_architecture(model, num_classes=num_classes, in_channels=channels, size=size).outline())
