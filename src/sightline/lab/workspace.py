"""What a lab is about: a run folder or none. Importing this costs nothing; the network is read when first asked for."""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.errors import RunError
from sightline.run import Run

if TYPE_CHECKING:
    from sightline.classifier import Classifier

NO_RUN = "the lab was opened without a run"
HOW_TO_OPEN = "close it and start it with one, `sightline lab RUN`, or teach a network here"


class Workspace:
    """The run that the rooms show. live: a server answers, which can compute; the static export cannot.

    lock: held by whoever uses the network, because its hooks see every pass. closing: set when the lab ends, for
    answers that would go on.
    """

    def __init__(self, run: Path | None = None, *, live: bool = True) -> None:
        """Raises RunError when `run` does not exist or is no run folder."""
        self.live = live
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._run: Run | None = None
        self._classifier: Classifier | None = None
        if run is not None:
            self.open(run)

    def open(self, folder: Path) -> None:
        """Show another run from now on. Raises RunError when it does not exist or is no run folder."""
        run = Run(folder)
        run.config  # noqa: B018 - whoever gives another folder learns it at once
        with self.lock:
            self._run, self._classifier = run, None

    @property
    def has_run(self) -> bool:
        return self._run is not None

    @property
    def run(self) -> Run:
        """Raises RunError when there is none."""
        if self._run is None:
            raise RunError(NO_RUN, hint=HOW_TO_OPEN)
        return self._run

    @property
    def classifier(self) -> "Classifier":
        """The run's best network on the CPU in float32, read once. Raises RunError while there is none yet."""
        with self.lock:
            if self._classifier is None:
                if not (self.run.model_folder / "model.json").exists():
                    raise RunError(
                        f"{self.run.name} has no network yet",
                        hint="its training has not come that far: watch it in the time machine",
                    )
                from sightline.classifier import Classifier

                self._classifier = Classifier.load(self.run.path)
            return self._classifier

    def about(self) -> dict[str, Any]:
        """lab.json: what every page wants to know first."""
        if self._run is None:
            return {"live": self.live, "run": None}
        run = self._run
        has_network = (run.model_folder / "model.json").exists()
        return {
            "live": self.live,
            "run": {"name": run.name, "complete": run.is_complete, "network": has_network},
        }
