"""Matplotlib figures of a training, of its scores, and of what a network sees; each function returns its Figure.

A figure shows itself in a notebook; elsewhere, `figure.savefig("name.png")`, `.svg` or `.pdf`. Nothing here goes
through pyplot: no backend is chosen and no figure has to be closed.
"""

from sightline.plots.calibration import reliability as reliability
from sightline.plots.confusion import confusion_matrix as confusion_matrix
from sightline.plots.embedding import embedding_map as embedding_map
from sightline.plots.growth import forecast as forecast
from sightline.plots.layers import feature_maps as feature_maps
from sightline.plots.layers import kernels as kernels
from sightline.plots.learning import training_curves as training_curves
from sightline.plots.maps import attribution as attribution
from sightline.plots.maps import grad_cam as grad_cam
from sightline.plots.maps import receptive_field as receptive_field
from sightline.plots.multiples import snapshots as snapshots
from sightline.plots.one_value import arithmetic as arithmetic
from sightline.plots.scores import class_scores as class_scores
from sightline.plots.scores import comparison as comparison
from sightline.plots.scores import slices as slices
from sightline.plots.sheets import augmentations as augmentations
from sightline.plots.sheets import contact_sheet as contact_sheet
from sightline.plots.sheets import mistakes as mistakes

__all__ = [
    "arithmetic",
    "attribution",
    "augmentations",
    "class_scores",
    "comparison",
    "confusion_matrix",
    "contact_sheet",
    "embedding_map",
    "feature_maps",
    "forecast",
    "grad_cam",
    "kernels",
    "mistakes",
    "receptive_field",
    "reliability",
    "slices",
    "snapshots",
    "training_curves",
]
