"""Sightline: image classifiers you can see through.

The names below are promises; everything else may move. Each is imported when first used, so that `import sightline`
takes milliseconds and torch is loaded only when something needs it.
"""

import importlib
from typing import TYPE_CHECKING, Any

from sightline.moved import keep_old_names

__version__ = "0.1.0"

keep_old_names()

if TYPE_CHECKING:
    from sightline import diagnosis as diagnosis
    from sightline import inspection as inspection
    from sightline import plots as plots
    from sightline.classifier.classifier import Classifier as Classifier
    from sightline.classifier.classifier import Prediction as Prediction
    from sightline.classifier.classifier import load as load
    from sightline.commands.compare import compare_runs as compare_runs
    from sightline.commands.train.train import train as train
    from sightline.config import AugmentConfig as AugmentConfig
    from sightline.config import ParameterGroup as ParameterGroup
    from sightline.config import TrainConfig as TrainConfig
    from sightline.data.imageset import ImageSet as ImageSet
    from sightline.data.imageset import Splits as Splits
    from sightline.data.load import load_data as load_data
    from sightline.errors import SightlineError as SightlineError
    from sightline.evaluation.calibration import calibrate as calibrate
    from sightline.evaluation.compare import compare as compare
    from sightline.evaluation.evaluate import Evaluation as Evaluation
    from sightline.evaluation.evaluate import evaluate as evaluate
    from sightline.inspection.cam import grad_cam as grad_cam
    from sightline.inspection.embeddings import embedding_map as embedding_map
    from sightline.inspection.embeddings import nearest as nearest
    from sightline.inspection.fields import receptive_field as receptive_field
    from sightline.inspection.filters import kernels as kernels
    from sightline.inspection.maps import feature_maps as feature_maps
    from sightline.inspection.one_value import arithmetic as arithmetic
    from sightline.models.registry import create_model as create_model
    from sightline.models.registry import list_models as list_models
    from sightline.models.summary import summary as summary
    from sightline.pixels.decode import read_image as read_image
    from sightline.pixels.preprocess import Preprocess as Preprocess
    from sightline.runs.run import Run as Run
    from sightline.training.checkpoint import Checkpoints as Checkpoints
    from sightline.training.fit import Epoch as Epoch
    from sightline.training.fit import fit as fit
    from sightline.training.listener import Listener as Listener

_HOMES = {
    "AugmentConfig": "config",
    "Checkpoints": "training.checkpoint",
    "Classifier": "classifier.classifier",
    "Epoch": "training.fit",
    "Evaluation": "evaluation.evaluate",
    "ImageSet": "data.imageset",
    "Listener": "training.listener",
    "ParameterGroup": "config",
    "Prediction": "classifier.classifier",
    "Preprocess": "pixels.preprocess",
    "Run": "runs.run",
    "SightlineError": "errors",
    "Splits": "data.imageset",
    "TrainConfig": "config",
    "arithmetic": "inspection.one_value",
    "calibrate": "evaluation.calibration",
    "compare": "evaluation.compare",
    "compare_runs": "commands.compare",
    "create_model": "models.registry",
    "embedding_map": "inspection.embeddings",
    "evaluate": "evaluation.evaluate",
    "feature_maps": "inspection.maps",
    "fit": "training.fit",
    "grad_cam": "inspection.cam",
    "kernels": "inspection.filters",
    "list_models": "models.registry",
    "load": "classifier.classifier",
    "load_data": "data.load",
    "nearest": "inspection.embeddings",
    "read_image": "pixels.decode",
    "receptive_field": "inspection.fields",
    "summary": "models.summary",
    "train": "commands.train.train",
}

_PACKAGES = ("diagnosis", "inspection", "plots")  # with public names of their own: sl.plots.confusion_matrix

__all__ = ["__version__", *_HOMES, *_PACKAGES]


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(f"sightline.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'sightline' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"sightline.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES, *_PACKAGES])
