"""A network with everything it needs to answer: its classes, its preprocessing, its rules, and the files they are in.

`from sightline.classifier import Classifier` works as `sightline.Classifier` does.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.classifier.classifier import Classifier as Classifier
    from sightline.classifier.classifier import Prediction as Prediction
    from sightline.classifier.classifier import load as load

__all__ = ["Classifier", "Prediction", "load"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'sightline.classifier' has no attribute '{name}'")
    return getattr(importlib.import_module("sightline.classifier.classifier"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
