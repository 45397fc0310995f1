"""A sheet of paper measured in points, for figures made of images: whole pixels, equal gaps, exact captions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from sightline.errors import DataError
from sightline.plots.style import FAINT_INK, INK, MAGNITUDES, SIGNED, SMALL, WIDTH, Drawing, number_text, shortened

GAP = 6.0  # points, 8 CSS pixels
MARGIN = 9.0
LINE = 1.3  # line height, in font sizes
SHEET_WIDTH = 72 * WIDTH
SMALL_IMAGE = 128  # pixels; up to this size an image is drawn with crisp pixels


@dataclass(frozen=True, eq=False)
class Canvas:
    """A figure with one axes that covers it; x goes right and y goes down, in points."""

    figure: Drawing
    axes: Axes

    def image(self, pixels: NDArray[Any], left: float, top: float, width: float, height: float, **options: Any) -> None:
        """An image of colours (H, W, 3) or of values (H, W) that `cmap`, `vmin` and `vmax` colour."""
        crisp = max(pixels.shape[:2]) <= SMALL_IMAGE
        self.axes.imshow(
            pixels,
            extent=(left, left + width, top + height, top),
            interpolation=options.pop("interpolation", "nearest" if crisp else "auto"),
            aspect="auto",
            **options,
        )

    def text(self, left: float, top: float, text: str, *, size: float = SMALL, ink: str = INK, **options: Any) -> None:
        """Text from its upper left corner, unless `ha` and `va` say otherwise."""
        self.axes.text(left, top, text, fontsize=size, color=ink, **({"va": "top", "ha": "left"} | options))

    def box(self, left: float, top: float, width: float, height: float, **options: Any) -> None:
        """A rectangle, by default one without filling."""
        self.axes.add_patch(Rectangle((left, top), width, height, **({"fill": False} | options)))

    def scale(
        self,
        left: float,
        top: float,
        ends: tuple[str, str],
        label: str,
        *,
        cmap: Colormap = MAGNITUDES,
        middle: str = "",
    ) -> None:
        """The colours from the least to the largest value, with their numbers below and what they mean beside them."""
        width, height = 108.0, 6.0
        self.image(np.linspace(0, 1, 216)[None], left, top, width, height, cmap=cmap, vmin=0, vmax=1)
        below = top + height + 2
        self.text(left, below, ends[0], ink=FAINT_INK)
        self.text(left + width / 2, below, middle, ink=FAINT_INK, ha="center")
        self.text(left + width, below, ends[1], ink=FAINT_INK, ha="right")
        self.text(left + width + GAP, top + height / 2, label, va="center")

    def caption(self, left: float, top: float, lines: Sequence[str], room: float, *, size: float = SMALL) -> None:
        """Lines of text below an image, shortened to its width; the first in ink, the others fainter."""
        for number, line in enumerate(lines):
            ink = FAINT_INK if number else INK
            self.text(left, top + number * LINE * size, shortened(line, room, size), size=size, ink=ink)


SCALE_HEIGHT = 6 + 2 + LINE * SMALL  # points that Canvas.scale needs


def canvas(width: float, height: float) -> Canvas:
    """An empty sheet of this many points."""
    figure = Drawing(figsize=(width / 72, height / 72))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set(xlim=(0, width), ylim=(height, 0))
    axes.set_axis_off()
    return Canvas(figure, axes)


def side_in_points(pixels: int, wanted: float) -> float:
    """The length nearest to `wanted` points at which each of so many pixels is a whole number of half points."""
    if pixels > SMALL_IMAGE:
        return wanted
    return max(1, round(2 * wanted / pixels)) * pixels / 2


def fitted_size(shape: tuple[int, ...], wanted: float) -> tuple[float, float]:
    """Width and height in points of an image (H, W, ...) whose longer side is about `wanted` points."""
    height, width = shape[:2]
    longer = side_in_points(max(height, width), wanted)
    return longer * width / max(height, width), longer * height / max(height, width)


def as_image(image: ArrayLike) -> NDArray[np.uint8]:
    """uint8 (H, W), (H, W, 1) or (H, W, 3) -> uint8 (H, W, 3). Raises DataError for anything else."""
    pixels = np.asarray(image)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3) or pixels.size == 0:
        raise DataError(
            f"an image of shape {pixels.shape} and type {pixels.dtype} cannot be drawn",
            hint="give uint8 (H, W), (H, W, 1) or (H, W, 3), as read_image does",
        )
    return np.broadcast_to(pixels, (*pixels.shape[:2], 3))


def as_values(values: ArrayLike, shape: str) -> NDArray[np.float64]:
    """Finite numbers with as many axes as `shape` names, e.g. "(C, h, w)", as float64. Raises DataError otherwise."""
    array = np.asarray(values)
    if array.ndim != shape.count(",") + 1 or array.size == 0 or array.dtype.kind not in "fiub":
        raise DataError(f"values of shape {array.shape} and type {array.dtype} cannot be drawn", hint=f"give {shape}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise DataError("some values are infinite or not numbers", hint="find the layer that made them")
    return array


def signed(reach: float) -> dict[str, Any]:
    """Options of `Canvas.image` for values from -reach to reach, with zero in the colour of the paper."""
    return {"cmap": SIGNED, "vmin": -(reach or 1.0), "vmax": reach or 1.0}


def signed_scale(page: Canvas, left: float, top: float, reach: float, label: str) -> None:
    """The symmetric scale of signed values, with its range."""
    page.scale(left, top, (f"-{number_text(reach)}", f"+{number_text(reach)}"), label, cmap=SIGNED, middle="0")
