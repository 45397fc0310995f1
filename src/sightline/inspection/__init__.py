"""What a network sees: its kernels and feature maps, where it looks, and the arithmetic behind one value.

Everything takes a `Classifier` or a bare `Network`, of our zoo or of timm, and leaves it as it was: hooks are gone
afterwards, modes, weights and gradients untouched, also after an error. Computing and drawing are apart: `draw` turns
the numbers of all others into pixels.

Each name is imported when first used, so that importing this package costs nothing. No module is called like a
function: importing it would put the module in the function's place.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.inspection.attribution import integrated_gradients as integrated_gradients
    from sightline.inspection.attribution import occlusion as occlusion
    from sightline.inspection.attribution import smooth_grad as smooth_grad
    from sightline.inspection.attribution import visible as visible
    from sightline.inspection.cam import grad_cam as grad_cam
    from sightline.inspection.cam import grad_cam_batch as grad_cam_batch
    from sightline.inspection.cam import grad_cam_plus_plus as grad_cam_plus_plus
    from sightline.inspection.embeddings import EmbeddingMap as EmbeddingMap
    from sightline.inspection.embeddings import Neighbour as Neighbour
    from sightline.inspection.embeddings import embedding_map as embedding_map
    from sightline.inspection.embeddings import nearest as nearest
    from sightline.inspection.fields import ReceptiveField as ReceptiveField
    from sightline.inspection.fields import receptive_field as receptive_field
    from sightline.inspection.filters import kernels as kernels
    from sightline.inspection.layers import Layer as Layer
    from sightline.inspection.layers import list_layers as list_layers
    from sightline.inspection.maps import Activations as Activations
    from sightline.inspection.maps import activations as activations
    from sightline.inspection.maps import dead_channels as dead_channels
    from sightline.inspection.maps import feature_maps as feature_maps
    from sightline.inspection.maximum import activation_maximum as activation_maximum
    from sightline.inspection.one_value import Arithmetic as Arithmetic
    from sightline.inspection.one_value import arithmetic as arithmetic
    from sightline.inspection.sanity import SanityCheck as SanityCheck
    from sightline.inspection.sanity import sanity_check as sanity_check
    from sightline.inspection.snapshots import Probes as Probes
    from sightline.inspection.snapshots import Snapshot as Snapshot
    from sightline.inspection.snapshots import read_snapshots as read_snapshots
    from sightline.inspection.subject import shown as shown

_HOMES = {
    "Activations": "maps",
    "Arithmetic": "one_value",
    "EmbeddingMap": "embeddings",
    "Layer": "layers",
    "Neighbour": "embeddings",
    "Probes": "snapshots",
    "ReceptiveField": "fields",
    "SanityCheck": "sanity",
    "Snapshot": "snapshots",
    "activation_maximum": "maximum",
    "activations": "maps",
    "arithmetic": "one_value",
    "dead_channels": "maps",
    "feature_maps": "maps",
    "embedding_map": "embeddings",
    "grad_cam": "cam",
    "grad_cam_batch": "cam",
    "grad_cam_plus_plus": "cam",
    "integrated_gradients": "attribution",
    "kernels": "filters",
    "list_layers": "layers",
    "nearest": "embeddings",
    "occlusion": "attribution",
    "read_snapshots": "snapshots",
    "receptive_field": "fields",
    "sanity_check": "sanity",
    "shown": "subject",
    "smooth_grad": "attribution",
    "visible": "attribution",
}

__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sightline.inspection' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"sightline.inspection.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
