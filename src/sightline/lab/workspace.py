"""What a lab is about: a run folder, a published network, or nothing.

Importing this costs nothing; a run's network is read when first asked for.
"""

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.errors import InputError, RunError
from sightline.runs.run import Run

if TYPE_CHECKING:
    from sightline.classifier.classifier import Classifier

NO_RUN = "the lab was opened without a run"
HOW_TO_OPEN = "close it and start it with one, `sightline lab RUN`, or teach a network here"


class Workspace:
    """What the rooms show. live: a server answers, which can compute; the static export cannot.

    lock: held by whoever uses the network, because its hooks see every pass. closing: set when the lab ends, for
    answers that would go on.
    """

    def __init__(
        self, run: Path | None = None, *, model: str | None = None, weights: str | None = None, live: bool = True
    ) -> None:
        """run: a run folder; model, weights: instead, as `open_published` takes them.

        Raises InputError for both, and what `open` or `open_published` raise.
        """
        if weights and not model:
            raise InputError("weights need a network to be in", hint="name it with --model NAME")
        if model and run is not None:
            raise InputError(f"the lab shows {run} or {model}", hint="give a run folder or --model, not both")
        self.live = live
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._run: Run | None = None
        self._classifier: Classifier | None = None
        self._published = ""
        if run is not None:
            self.open(run)
        if model:
            self.open_published(model, weights)

    def open(self, folder: Path) -> None:
        """Show another run from now on. Raises RunError when it does not exist or is no run folder."""
        run = Run(folder)
        run.config  # noqa: B018 - whoever gives another folder learns it at once
        with self.lock:
            self._run, self._classifier, self._published = run, None, ""

    def open_published(self, name: str, weights: str | None = None) -> None:
        """Show a network as it was published, by its name; `weights` as `load_pretrained` takes them.

        Raises ConfigError for an unknown name, ModelError when there are no such weights, or they are another's.
        """
        from sightline.classifier.published import published_classifier

        classifier = published_classifier(name, weights)
        with self.lock:
            self._run, self._classifier, self._published = None, classifier, name

    @property
    def has_run(self) -> bool:
        return self._run is not None

    @property
    def has_network(self) -> bool:
        """There is a network to look into now: a published one, or the run's, which has been saved."""
        return bool(self._published) or (self._run is not None and (self._run.model_folder / "model.json").exists())

    @property
    def name(self) -> str:
        """Of what is shown; empty when it is nothing."""
        return self._run.name if self._run is not None else self._published

    @property
    def run(self) -> Run:
        """Raises RunError when there is none."""
        if self._published:
            raise RunError(
                f"{self._published} came ready-made: there is no training of it here",
                hint="train it on images of your own, then `sightline lab RUN`",
            )
        if self._run is None:
            raise RunError(NO_RUN, hint=HOW_TO_OPEN)
        return self._run

    @property
    def classifier(self) -> "Classifier":
        """The network on the CPU in float32; a run's best, read once. Raises RunError while there is none yet."""
        with self.lock:
            if self._classifier is None:
                run = self.run
                if not self.has_network:
                    raise RunError(
                        f"{run.name} has no network yet",
                        hint="its training has not come that far: watch it in the time machine",
                    )
                from sightline.classifier.classifier import Classifier

                self._classifier = Classifier.load(run.path)
            return self._classifier

    def about(self) -> dict[str, Any]:
        """lab.json: what every page wants to know first. trained: there is a run folder behind it."""
        if not self.name:
            return {"live": self.live, "run": None}
        complete = self._run.is_complete if self._run is not None else True
        run = {"name": self.name, "trained": self.has_run, "complete": complete, "network": self.has_network}
        return {"live": self.live, "run": run}
