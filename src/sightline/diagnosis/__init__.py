"""What features and answers say about the data: labels that look wrong, and what more images would bring.

Each name is imported when first used, so that importing this package costs nothing.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sightline.diagnosis.forecast import Forecast as Forecast
    from sightline.diagnosis.label_errors import Suspect as Suspect
    from sightline.diagnosis.label_errors import held_out_suspects as held_out_suspects
    from sightline.diagnosis.label_errors import suspects as suspects
    from sightline.diagnosis.label_errors import training_suspects as training_suspects

_HOMES = {
    "Forecast": "forecast",
    "Suspect": "label_errors",
    "held_out_suspects": "label_errors",
    "suspects": "label_errors",
    "training_suspects": "label_errors",
}

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sightline.diagnosis' has no attribute '{name}'")
    value = getattr(importlib.import_module(f"sightline.diagnosis.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
