"""What the report shows besides scores and history: pieces that cost time to make, each of which may be missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sightline.data.imageset import ImageSet
    from sightline.diagnosis.forecast import Forecast
    from sightline.diagnosis.label_errors import Suspect
    from sightline.evaluation.slices import Slice
    from sightline.inspection.embeddings import EmbeddingMap
    from sightline.inspection.snapshots import Snapshot
    from sightline.pixels.preprocess import Preprocess


@dataclass(frozen=True, kw_only=True, eq=False)
class Material:
    """Pieces of a report. A section whose piece is missing is left out.

    saliency: Grad-CAM of test images by their index, float32 (H, W) in [0, 1] at the size of the network's input.
    preprocess: how images became that input; it says where on an image its map lies. None: the maps cover the images.
    slices: how well parts of the test images are recognised.
    suspects: images whose labels look wrong, most suspect first; None: nobody looked.
    suspect_images: what their indices count; None: the test images.
    forecast: what more training images would be worth. embedding: the test images as points of a plane.
    snapshots: what the network was like during training, oldest first.
    left_out: why pieces are missing and which command makes them, as a sentence; may be empty.
    """

    saliency: Mapping[int, NDArray[np.float32]] = field(default_factory=dict)
    preprocess: "Preprocess | None" = None
    slices: "Sequence[Slice]" = ()
    suspects: "Sequence[Suspect] | None" = None
    suspect_images: "ImageSet | None" = None
    forecast: "Forecast | None" = None
    embedding: "EmbeddingMap | None" = None
    snapshots: "Sequence[Snapshot]" = ()
    left_out: str = ""

    @property
    def among(self) -> str:
        """Which labels were looked at, e.g. "of the 5,000 training images looked at"."""
        if self.suspect_images is None:
            return "of the test images"
        return f"of the {len(self.suspect_images):,} training images looked at"


NOTHING = Material()
