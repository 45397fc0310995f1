"""What `sightline models` prints: the networks there are, and the pretrained ones a person chooses from."""

from sightline.errors import InputError, near
from sightline.machine.device import find_device, find_precision
from sightline.models.comparison import SOURCE, Backbone, list_backbones, measure
from sightline.models.registry import find_model, list_models, list_timm_models
from sightline.reporting.text_table import text_table


def model_table(filter: str = "") -> str:
    """Our own networks with `filter` in their name; where there are none, timm's. Raises InputError for neither."""
    entries = list_models(filter)
    if entries:
        rows = [(e.name, f"{e.parameters:,}", str(e.size), str(e.in_channels), e.description) for e in entries]
        table = text_table([("model", "parameters", "size", "channels", "what it is"), *rows], right={1, 2, 3})
        return table if filter else f"{table}\n\nand timm's by their names there: `sightline models --pretrained`"
    theirs = [find_model(name) for name in list_timm_models(filter)]
    if not theirs:
        names = [entry.name for entry in list_models()]
        raise InputError(f"there is no network with '{filter}' in its name", hint=near(filter, names))
    lines = [(e.name, str(e.size), str(e.in_channels), e.description) for e in theirs]
    return text_table([("model", "size", "channels", "what it is"), *lines], right={1, 2})


def backbone_table(filter: str = "", *, device: str | None = None) -> str:
    """Networks trained on ImageNet, the most accurate first. device: also measure images/s there, 3 s or so for each.

    Raises InputError when none has `filter` in its name.
    """
    backbones = list_backbones(filter)
    if not backbones:
        names = [backbone.name for backbone in list_backbones()]
        raise InputError(f"no network with '{filter}' in its name is compared", hint=near(filter, names))
    header = ["model", "parameters", "multiply-adds", "size", "top-1", "at", "MB", "licence of the weights"]
    rows = [_cells(backbone) for backbone in backbones]
    notes = [
        "multiply-adds: for one image of `size` pixels. MB: of the weights in float32.",
        f"top-1: ImageNet validation, per cent, at the size named; {SOURCE}.",
    ]
    if device is not None:
        target = find_device(device)
        precision = find_precision("auto", target)
        header.insert(7, "images/s")
        for backbone, row in zip(backbones, rows, strict=True):
            row.insert(7, f"{measure(backbone, device=target, bf16=precision.name == 'bf16'):,.0f}")
        notes.append(
            f"images/s: measured here on {target.type} in {precision.name}, as a frozen network; decoding not counted."
        )
    return "\n".join([text_table([tuple(header), *map(tuple, rows)], right=set(range(1, len(header) - 1))), "", *notes])


def _cells(backbone: Backbone) -> list[str]:
    return [
        backbone.name,
        f"{backbone.parameters / 1e6:.1f} M",
        f"{backbone.multiply_adds / 1e9:.2f} G",
        str(backbone.size),
        f"{backbone.top1:.1f}",
        str(backbone.top1_size),
        f"{backbone.megabytes:.0f}",
        backbone.licence,
    ]
