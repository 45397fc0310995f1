"""Real data, where it lies beside the repository."""

import os
from pathlib import Path

import pytest

SHARED_DATA = os.environ.get("SIGHTLINE_DATA")  # read before any test hides it


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data, $SIGHTLINE_DATA; tests that need it are skipped without."""
    if not SHARED_DATA:
        pytest.skip("needs real data: set SIGHTLINE_DATA to its folder")
    return Path(SHARED_DATA)
