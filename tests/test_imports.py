"""Nothing heavy is imported before it is needed. That imports go one way is `test_architecture.py`'s affair."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("PIL", "matplotlib", "numpy", "scipy", "sklearn", "torch", "torchvision")


def imported_by(code: str) -> list[str]:
    """Which heavy packages a fresh Python has imported after `code`."""
    script = f"{code}\nimport sys\nprint(*(name for name in {HEAVY} if name in sys.modules), file=sys.stderr)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return result.stderr.split()


@pytest.mark.parametrize(
    "code",
    [
        "import sightline; dir(sightline); sightline.__version__",
        "from sightline import TrainConfig, AugmentConfig, SightlineError; TrainConfig()",
        "from sightline.cli import main; assert main(['--help']) == 0",
        "from sightline.cli import main; assert main(['train', '--help']) == 0",
        "from sightline.cli import main; assert main(['--version']) == 0",
        "import os, sys; sys.stderr, said = open(os.devnull, 'w'), sys.stderr\n"
        "from sightline.cli import main; assert main(['train', '--epoch', '3']) == 2; sys.stderr = said",
    ],
)
def test_nothing_heavy_is_imported(code: str) -> None:
    assert imported_by(code) == []


def test_torch_is_imported_when_a_network_is_asked_for() -> None:
    assert "torch" in imported_by("import sightline; sightline.create_model")


def test_a_server_loads_and_predicts_without_data_sets() -> None:
    """Nor what trains, reports and draws: of Sightline only what answers, and no heavy package but those of answers."""
    model = Path(__file__).parent / "fixtures" / "version_0_1_0" / "whole" / "model"
    script = (
        "import sys, numpy as np, sightline as sl\n"
        f"print(sl.load({str(model)!r}).predict(np.zeros((20, 20, 3), np.uint8)).label, *sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    label, *modules = result.stdout.split()
    assert label in map(str, range(10))
    ours = {name.split(".")[1] for name in modules if name.startswith("sightline.")}
    assert ours == {"classifier", "config", "errors", "machine", "models", "moved", "pixels"}
    heavy = {"matplotlib", "pandas", "scipy", "sklearn", "sympy", "timm", "torchvision"}
    assert heavy.isdisjoint(name.partition(".")[0] for name in modules)


def test_every_public_name_is_found() -> None:
    import sightline

    for name in sightline.__all__:
        assert getattr(sightline, name) is not None
    with pytest.raises(AttributeError, match="module 'sightline' has no attribute 'fits'"):
        _ = sightline.fits


@pytest.mark.parametrize("folder", ["classifier", "diagnosis", "inspection", "plots"])
def test_names_of_folders_are_fetched_when_used(folder: str) -> None:
    module = importlib.import_module(f"sightline.{folder}")
    assert set(module.__all__) <= set(dir(module))
    for name in module.__all__:
        assert getattr(module, name) is not None
    with pytest.raises(AttributeError, match=f"module 'sightline.{folder}' has no attribute 'fits'"):
        _ = module.fits
