"""A drawing as an image of the kind a network has learnt from: strokes are centred and scaled as the set's makers did.

MNIST: the ink's bounding box is fitted into 20 x 20, then its centre of mass is moved to the middle of 28 x 28
(Y. LeCun, C. Cortes, C. Burges, "The MNIST database"). Digits of scikit-learn: a 32 x 32 bitmap, its ink counted in
blocks of 4 x 4 (E. Alpaydin, C. Kaynak, UCI's "Optical recognition of handwritten digits"). Fashion-MNIST: the longer
side is 28 pixels (H. Xiao et al., arXiv 1708.07747, section 2). All of them are white on black. Any other set: the
whole drawing.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from sightline.errors import InputError

Gray = NDArray[np.uint8]


def as_image(drawing: Gray, data: str, size: tuple[int, int]) -> Gray:
    """Grey levels of ink, uint8 (H, W), 0 where nothing is drawn -> uint8 (h, w, 1) as the set called `data` has them.

    size: height and width for sets that are not known. Raises InputError when nothing is drawn.
    """
    if not (drawing >= 32).any():
        raise InputError("nothing is drawn", hint="draw with the mouse, a pen or a finger")
    match data:
        case "mnist":
            return _by_mass(_fitted(_inked(drawing), 20), 28)[..., None]
        case "fashion-mnist":
            return _centred(_fitted(_inked(drawing), 28), 28)[..., None]
        case "digits":
            ink = Image.fromarray(_centred(_fitted(_inked(drawing), 32), 32))
            bitmap = np.asarray(ink.filter(ImageFilter.MaxFilter(3))) >= 128  # the set's writers had broader pens
            counts = bitmap.reshape(8, 4, 8, 4).sum(axis=(1, 3))  # 0 to 16
            levels: Gray = np.rint(counts * (255 / 16)).astype(np.uint8)
            return levels[..., None]
        case _:
            return _centred(_fitted(drawing, min(size)), max(size))[..., None]


def _inked(drawing: Gray) -> Gray:
    """The bounding box of the ink."""
    rows, columns = np.flatnonzero(drawing.max(axis=1) >= 32), np.flatnonzero(drawing.max(axis=0) >= 32)
    return drawing[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def _fitted(image: Gray, side: int) -> Gray:
    """Resized, keeping its shape, so that the longer side is `side`."""
    height, width = image.shape
    scale = side / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.array(Image.fromarray(image).resize(size, Image.Resampling.BILINEAR))


def _centred(image: Gray, side: int) -> Gray:
    """In the middle of a black square."""
    height, width = image.shape
    return _placed(image, (side - height) // 2, (side - width) // 2, side)


def _by_mass(image: Gray, side: int) -> Gray:
    """With the ink's centre of mass in the middle of a black square, as far as it fits in."""
    mass = image.astype(np.float64)
    top, left = (_start(mass.sum(axis=1 - axis), side) for axis in (0, 1))
    return _placed(image, top, left, side)


def _start(along: NDArray[np.float64], side: int) -> int:
    """Where to put a line of masses so that their centre comes to the middle of `side`, without leaving it."""
    centre = float((along * np.arange(len(along))).sum() / along.sum())
    return int(np.clip(round((side - 1) / 2 - centre), 0, side - len(along)))


def _placed(image: Gray, top: int, left: int, side: int) -> Gray:
    square = np.zeros((side, side), np.uint8)
    square[top : top + image.shape[0], left : left + image.shape[1]] = image
    return square
