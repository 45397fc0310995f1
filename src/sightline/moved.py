"""Public modules that have moved stay importable by the names that README and docs gave them.

The old name and the new one are the same module, so that a class imported by either is one class.
"""

import importlib
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

NETWORKS = (
    "alexnet",
    "basic_cnn",
    "cifar_cnn",
    "convnet",
    "custom_cnn",
    "lenet",
    "mnist_cnn",
    "resnet",
    "resnet_cifar",
    "resnet_tiny",
    "speednet",
    "vgg",
)

MOVED = {
    "sightline.data.builtin": "sightline.data.sources.builtin",
    "sightline.data.contact_sheet": "sightline.data.augment.contact_sheet",
    **{f"sightline.models.{name}": f"sightline.models.zoo.{name}" for name in NETWORKS},
}


class _OldNames(MetaPathFinder, Loader):
    """Python asks it last, for what no file answers to."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        return ModuleSpec(fullname, self) if fullname in MOVED else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(MOVED[spec.name])
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__ = module.__spec__.loader_state  # Python has just written that of the old name over it


def keep_old_names() -> None:
    """Let the old names be imported, from now on and in this process."""
    if not any(isinstance(finder, _OldNames) for finder in sys.meta_path):
        sys.meta_path.append(_OldNames())
