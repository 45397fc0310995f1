"""Arrays as the lab's answers carry them: maps as bytes with their scale, pictures as data URIs, numbers kept short."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sightline.reporting.image_data import CRISP, jpeg_uri, png_uri

Json = dict[str, Any]
Pixels = NDArray[np.uint8]


def packed(values: NDArray[np.uint8]) -> Json:
    """An array of any shape: its shape, and its bytes in base64, rows first."""
    return {"shape": values.shape, "bytes": base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()}


def scaled(values: NDArray[np.float32]) -> Json:
    """Finite values of any shape as bytes: 0 to `high`, or where some are negative, -`high` to `high`."""
    high = float(np.abs(values).max()) or 1.0
    signed = bool((values < 0).any())
    shares = (values / high + 1) / 2 if signed else values / high
    return {**packed(np.rint(255 * shares).astype(np.uint8)), "high": short(high), "signed": signed}


def picture_uri(image: Pixels) -> str:
    """A picture (H, W, C): PNG where it is so small that each pixel counts, otherwise JPEG."""
    return png_uri(image) if max(image.shape[:2]) <= CRISP else jpeg_uri(image)


def short(value: Any) -> float:
    """A number to four significant digits."""
    return float(f"{float(value):.4g}")


def plain(values: NDArray[np.float32]) -> list[list[float | None]]:
    """(H, W) as rows to six significant digits; -inf, the padding of a maximum, which JSON lacks, is None."""
    return [[float(f"{v:.6g}") if np.isfinite(v) else None for v in row] for row in values.tolist()]
