"""How much memory there is, and running out of it: noticing that, and going on with fewer images at once.

What this cannot see: Linux promises more memory than it has, and may end a process that takes it up. On a CPU an
allocation fails only where a limit says so (ulimit, Windows, a single huge tensor).
"""

from collections.abc import Callable
from types import TracebackType

import psutil
import torch
from torch import Tensor

from sightline.errors import DataError, TrainingError

# These messages tell failures that torch raises as a plain RuntimeError.
MESSAGES = (
    "DefaultCPUAllocator: can't allocate memory",
    "DefaultCPUAllocator: not enough memory",  # on Windows
    "CUBLAS_STATUS_ALLOC_FAILED",
    "MPS backend out of memory",
)


class Shortage:
    """`with Shortage() as shortage:` ends quietly when the block runs out of memory; `shortage` is then true.

    Every other exception passes. Retry after the block, not within: only then are the tensors of the failed attempt
    free.
    """

    def __init__(self) -> None:
        self.reason = ""

    def __enter__(self) -> "Shortage":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if error is None or not is_out_of_memory(error):
            return False
        self.reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        if torch.cuda.is_available():
            torch.cuda.empty_cache()  # blocks of the old sizes would be in the way of the new ones
        return True

    def __bool__(self) -> bool:
        return bool(self.reason)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether it says that an allocation failed: torch's on any device, Python's or NumPy's."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(message in str(error) for message in MESSAGES)


def in_chunks(compute: Callable[[slice], Tensor], count: int, *, chunk: int) -> Tensor:
    """What `compute` gives for `count` images, at most `chunk` at a time, half as many whenever memory runs out.

    compute: takes which images, as a slice of them all, and gives (B, ...), a row an image. count: at least 1.
    Raises TrainingError when memory is too small for one image.
    """
    results: list[Tensor] = []
    done = 0
    while done < count:
        images = slice(done, min(done + chunk, count))
        with Shortage() as shortage:
            results.append(compute(images))
            done = images.stop
        if shortage:
            if images.stop - images.start == 1:
                raise too_small(1, shortage.reason)
            chunk = (images.stop - images.start) // 2
    return torch.cat(results)


def too_small(images: int, where: str) -> TrainingError:
    """The error when not even so few images go through the network. where: what the system said, or whose memory."""
    few = "one image" if images == 1 else f"{images} images"
    return TrainingError(
        f"out of memory: the network does not fit with even {few} at a time",
        where=where,
        hint="use a smaller --size or another --model, or close other programs",
    )


def require_memory(needed: int, *, what: str) -> None:
    """Raise DataError when `needed` bytes are more than 80 % of the memory that is available now."""
    available = available_memory()
    if needed > 0.8 * available:
        raise DataError(
            f"{what} need {needed / 1e9:.1f} GB, and {available / 1e9:.1f} GB of memory are available",
            hint="use a smaller --size or fewer images",
        )


def available_memory() -> int:
    """Bytes that can be allocated without swapping, as the system estimates them."""
    return int(psutil.virtual_memory().available)
