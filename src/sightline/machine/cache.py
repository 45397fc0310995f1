"""Where data sets live on this machine, and a file of decoded tensors for those that take long to read."""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from sightline.errors import StorageError
from sightline.machine.files import make_folder, write_bytes

LAYOUT = 1  # raise it when decoded files should be made anew


def cache_folder() -> Path:
    """The user's cache of data sets, e.g. ~/.cache/sightline/data."""
    return Path(platformdirs.user_cache_dir("sightline", appauthor=False), "data")


def data_folders() -> tuple[Path, ...]:
    """Where data sets are looked for: $SIGHTLINE_DATA, if set, then the user's cache."""
    folder = os.environ.get("SIGHTLINE_DATA")
    return (Path(folder).expanduser(), cache_folder()) if folder else (cache_folder(),)


def decode_once(name: str, sources: tuple[Path, ...], decode: Callable[[], dict[str, Tensor]]) -> dict[str, Tensor]:
    """What `decode` makes of the files or folders `sources`, memory-mapped from the user's cache if it is there.

    The 7 s that CIFAR-10's .xz archive takes are so paid once. The kept file says which sources it was made of, by
    path, size and time, and is replaced when they change. Where the cache cannot be written, decoding is repeated.
    """
    made_of = _fingerprint(sources)
    path = cache_folder() / "decoded" / f"{name}.safetensors"
    # An error means that it is not decoded here yet, or that the file is damaged.
    with contextlib.suppress(OSError, SafetensorError), safe_open(path, "pt") as file:
        if (file.metadata() or {}).get("made_of") == made_of:
            return {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - safe_open is no mapping
    tensors = decode()
    with contextlib.suppress(StorageError):
        make_folder(path.parent)
        write_bytes(path, save(tensors, metadata={"made_of": made_of}))
    return tensors


def _fingerprint(sources: tuple[Path, ...]) -> str:
    """Another text whenever one of the files, or a file directly in one of the folders, is another."""
    files = [file for path in sources for file in (sorted(path.iterdir()) if path.is_dir() else (path,))]
    stats = [(str(file.resolve()), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr((LAYOUT, stats)).encode()).hexdigest()
