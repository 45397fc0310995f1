"""Where pretrained weights are: on this machine, or on the hub that timm takes its own from (huggingface.co)."""

import contextlib
import os
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sightline.errors import ModelError
from sightline.machine.late_compiler import late_compiler
from sightline.models.weights import read_metadata

FILES = ("model.safetensors", "pytorch_model.bin")  # of a model on the hub, in this order
SECONDS = 10  # to wait for the hub's first answer


def find_weights(name: str) -> Path | None:
    """The weights of network `name` that lie on this machine, if any.

    Looked for in $SIGHTLINE_DATA/weights (safetensors files whose metadata name the architecture), then among what
    timm has downloaded before. Nothing is fetched.
    """
    for path in _own_files():
        if name in _architectures(path):
            return path
    from huggingface_hub import try_to_load_from_cache

    repository = hub_repository(name)
    for file in FILES if repository else ():
        cached = try_to_load_from_cache(repository, file)
        if isinstance(cached, str):
            return Path(cached)
    return None


def fetch_weights(name: str) -> Path:
    """The weights of `name` from the hub, into the hub's own cache. Raises ModelError when they cannot be had."""
    ways_out = "give a file with `--weights FILE`, or train from scratch with `--weights none`"
    repository = hub_repository(name)
    if not repository:
        raise ModelError(f"nobody publishes ImageNet weights of {name} through timm", hint=ways_out)
    what = f"there are no weights of {name} on this machine, and the hub cannot be reached"
    try:
        return _fetch(repository)
    except OSError as error:
        raise ModelError(what, where=_reason(error), hint=ways_out) from error


def hub_repository(name: str) -> str:
    """Where the hub has timm's weights of `name`, e.g. "timm/resnet50.a1_in1k"; empty where it has none."""
    config = timm_config(name)
    # A custom load is a file of another framework (JAX, mostly), which timm reads in ways of its own.
    return config.hf_hub_id or "" if config is not None and not config.custom_load else ""


def timm_config(name: str) -> Any:
    """What timm knows about the weights of `name` (a `PretrainedCfg`), or None."""
    with late_compiler():
        import timm

    return timm.models.get_pretrained_cfg(name, allow_unregistered=False) if timm.is_model(name) else None


def _own_files() -> Iterator[Path]:
    folder = os.environ.get("SIGHTLINE_DATA")
    if folder:
        yield from sorted(Path(folder).expanduser().glob("weights/*.safetensors"))


def _architectures(path: Path) -> tuple[str, ...]:
    """What the network of a safetensors file may be called: with and without the tag of its weights."""
    from safetensors import SafetensorError

    try:
        architecture = read_metadata(path).get("architecture", "").removeprefix("timm:")
    except (SafetensorError, OSError):
        return ()  # a damaged file is none for this purpose; who asks for it by name is told
    return (architecture, architecture.partition(".")[0])


def _fetch(repository: str) -> Path:
    from huggingface_hub import constants, hf_hub_download
    from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

    if not constants.HF_HUB_OFFLINE:
        # The hub's client would try for half a minute before it says that there is no network. Any answer will do.
        question = urllib.request.Request(constants.ENDPOINT, method="HEAD")
        with contextlib.suppress(urllib.error.HTTPError):
            urllib.request.urlopen(question, timeout=SECONDS).close()
    for file in FILES:
        try:
            return Path(hf_hub_download(repository, file))
        except LocalEntryNotFoundError:
            raise
        except EntryNotFoundError as error:
            missing = error
    raise FileNotFoundError(f"{repository} has no {' or '.join(FILES)}") from missing


def _reason(error: OSError) -> str:
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason).splitlines()[0].lower()
