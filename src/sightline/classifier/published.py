"""A network as its makers published it: with their head, and the names of ImageNet's classes where it has those."""

from collections import Counter

from sightline.classifier.classifier import Classifier
from sightline.machine.late_compiler import late_compiler
from sightline.models.pretrained import load_pretrained
from sightline.models.registry import find_model

IMAGENET_CLASSES = 1000


def published_classifier(name: str, weights: str | None = None) -> Classifier:
    """The network `name` in eval mode, with its own head. weights: as `load_pretrained` takes them.

    Classes of another number than ImageNet's 1,000 have numbers for names, and so have those of fresh weights, which
    mean nothing. Raises ConfigError for an unknown name, ModelError when there are no such weights, or they are
    another network's, or without a head.
    """
    pretrained = load_pretrained(name, weights=weights, num_classes=None, in_channels=find_model(name).in_channels)
    pretrained.network.eval()
    architecture = pretrained.network.architecture
    assert architecture is not None
    is_imagenet = bool(pretrained.digest) and architecture.num_classes == IMAGENET_CLASSES
    classes = imagenet_classes() if is_imagenet else tuple(f"class {i}" for i in range(architecture.num_classes))
    note = "" if pretrained.digest else "its weights are random: its answers mean nothing"
    return Classifier(
        pretrained.network, classes, pretrained.preprocess, architecture, note=note, provenance=pretrained.provenance
    )


def imagenet_classes() -> tuple[str, ...]:
    """ImageNet-1k's classes in the order of published weights: the first synonym, and more where two share it."""
    with late_compiler():
        from timm.data.imagenet_info import ImageNetInfo

    info = ImageNetInfo()
    full = [info.index_to_description(i) for i in range(IMAGENET_CLASSES)]
    short = [words.partition(",")[0] for words in full]
    shared = {word for word, count in Counter(short).items() if count > 1}
    names = [words if word in shared else word for word, words in zip(short, full, strict=True)]
    twice = {name for name, count in Counter(names).items() if count > 1}  # cranes: a bird and a machine
    return tuple(f"{name} ({info.index_to_label_name(i)})" if name in twice else name for i, name in enumerate(names))
