"""The pictures a network is shown in the lab: test images of its run, and those that were given or drawn."""

import itertools
from collections import OrderedDict
from functools import cached_property

import numpy as np

from sightline.data.class_turns import in_class_turns
from sightline.data.imageset import ImageSet
from sightline.data.load import load_recorded_test
from sightline.data.split import read_manifest
from sightline.errors import InputError, SightlineError
from sightline.lab.drawing import as_image
from sightline.lab.packing import Json, Pixels, picture_uri
from sightline.pixels.decode import read_image
from sightline.runs.run import Run

TEST_PICTURES = 24  # offered at once
UPLOADS = 8  # pictures from outside that are remembered


class Pictures:
    """Each has a name, such as test-5 or given-1. Those from outside are kept in memory only, the latest few.

    run: whose test images they are; None where there is none.
    """

    def __init__(self, run: Run | None) -> None:
        self.run = run
        self.missing = ""  # why there are no test images, where some were expected; known once `test` was read
        self._uploads: OrderedDict[str, Pixels] = OrderedDict()
        self._numbers = itertools.count(1)

    @cached_property
    def test(self) -> ImageSet | None:
        """The run's test images. None when there are none, or they are gone: `missing` says which."""
        if self.run is None:
            return None
        try:
            images = load_recorded_test(self.run.config["data"], read_manifest(self.run.split_path))
        except (SightlineError, KeyError) as error:
            self.missing = f"The run's test images are not at hand: {error}."
            return None
        self.missing = "" if images else "This run has no test images."
        return images

    def page(self, page: int = 0, *, count: int = TEST_PICTURES) -> Json:
        """Some test images, of one class after the other; `missing` says why there are none."""
        test = self.test
        if test is None:
            return {"pictures": [], "pages": 0, "missing": self.missing}
        order = in_class_turns(test.labels)
        pages = -(-len(order) // count)
        indices = order[count * (page % pages) : count * (page % pages + 1)]
        pictures = []
        for index in indices.tolist():
            try:
                image = test.images.read(index)
            except SightlineError:
                continue
            pictures.append(
                {"id": f"test-{index}", "truth": test.classes[int(test.labels[index])], "uri": picture_uri(image)}
            )
        return {"pictures": pictures, "pages": pages, "missing": ""}

    def give(self, image: bytes) -> Json:
        """Remember an image file's picture. Raises ImageError when it cannot be decoded."""
        name = f"given-{next(self._numbers)}"
        pixels = read_image(image)
        self._remember(name, pixels)
        return {"id": name, "uri": picture_uri(pixels)}

    def draw(self, ink: bytes, width: int, size: tuple[int, int]) -> Pixels:
        """Remember a drawing, grey levels row by row, as an image like those of the run: uint8 (H, W, 1).

        size: height and width where theirs are not known. Raises InputError where nothing is drawn, or not so wide.
        """
        if not 1 <= width <= 1024 or not ink or len(ink) % width:
            raise InputError(f"{len(ink)} bytes are no drawing {width} wide", hint="send one byte a pixel")
        drawing = np.frombuffer(ink, np.uint8).reshape(-1, width)
        pixels = as_image(drawing, str(self.run.config.get("data")) if self.run else "", size)
        self._remember("drawing", pixels)
        return pixels

    def read(self, name: str) -> tuple[Pixels, str | None]:
        """Its pixels, uint8 (H, W, C), and its class where that is known. Names are looked up, never a path."""
        if name in self._uploads:
            self._uploads.move_to_end(name)
            return self._uploads[name], None
        kind, _, number = name.partition("-")
        test = self.test
        if kind == "test" and number.isdecimal() and test is not None and int(number) < len(test):
            return test.images.read(int(number)), test.classes[int(test.labels[int(number)])]
        raise InputError(f"the lab has no picture '{name}' any more", hint="choose or give it again")

    def _remember(self, name: str, pixels: Pixels) -> None:
        self._uploads[name] = pixels
        self._uploads.move_to_end(name)
        while len(self._uploads) > UPLOADS:
            self._uploads.popitem(last=False)
