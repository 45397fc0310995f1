"""Data is looked at once and may be trained on any number of times, without a look at the test images."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from sightline.commands.train.gather import gather
from sightline.commands.train.judge import judge
from sightline.commands.train.learn import learn
from sightline.commands.train.open import open_run, prepare_images
from sightline.commands.train.plan import plan
from sightline.commands.train.tell import tell
from sightline.config import TrainOptions
from sightline.data.audit.audit import Audit
from sightline.errors import ConfigError
from sightline.training.listener import Listener


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sightline.machine.cache.cache_folder", lambda: tmp_path / "cache")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two classes, bright and dark."""
    rng = np.random.default_rng(0)
    for name, level in (("bright", 190), ("dark", 60)):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(30):
            pixels = rng.integers(level - 40, level + 40, (24, 24, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i:02}.png")
    return tmp_path / "photos"


class Untouchable:
    """Test images that nobody may look at; only how many there are is known."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"somebody asked the test images for {name}")


def test_gathering_audits_and_says_so(photos: Path) -> None:
    class Hearing(Listener):
        audits: list[Audit] = []  # noqa: RUF012

        def audit(self, audit: Audit) -> None:
            self.audits.append(audit)

    gathered = gather(photos, val="0.2", seed=3, listener=Hearing())
    assert Hearing.audits == [gathered.audit]
    assert (gathered.data, gathered.val, gathered.seed) == (str(photos), "0.2", 3)
    assert gather("digits").audit is None


def test_many_trainings_on_one_look_at_the_data(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a search does: audit and decode once, train often, and let the test images judge the winner alone."""
    gathered = gather(photos)
    first = plan(gathered, TrainOptions(model="lenet5", size=32, epochs=1, lr=0.001))
    prepared = prepare_images(gathered.splits, first)
    monkeypatch.setattr("sightline.data.load.audit", lambda *_, **__: pytest.fail("a second audit"))
    monkeypatch.setattr("sightline.data.images.read_image", lambda *_, **__: pytest.fail("decoded again"))
    test = prepared.splits.test
    assert test is not None
    images = test.images
    object.__setattr__(test, "images", Untouchable(len(test)))

    trials = {}
    for lr in (0.001, 0.003):
        planned = plan(gathered, TrainOptions(model="lenet5", size=32, epochs=1, lr=lr))
        opened = open_run(planned, prepared, out=f"trial {lr}")
        trials[lr] = opened, learn(opened)
        assert opened.run.history[-1]["val_accuracy"] is not None
        assert not opened.run.metrics_path.exists()
    assert trials[0.001][0].job.config.lr != trials[0.003][0].job.config.lr

    for other in ({"size": 16}, {"fit": "squash"}, {"recipe": "scratch", "model": "resnet_tiny"}):
        elsewhere = plan(gathered, TrainOptions(**{"model": "lenet5", "size": 32, "epochs": 1} | other))
        with pytest.raises(ConfigError, match=r"^the images were prepared for another plan: cropped to 32 x 32 pixels"):
            open_run(elsewhere, prepared, out="another trial")
        assert not Path("another trial").exists()

    object.__setattr__(test, "images", images)
    opened, learned = trials[0.003]
    learned.classifier.save(opened.run.model_folder)
    judged = judge(opened, learned)
    tell(opened, learned, judged)
    assert opened.run.is_complete
    assert judged.evaluation is not None
    assert opened.run.test["total"] == judged.evaluation.total == len(test)
    assert opened.run.report_path.exists()
