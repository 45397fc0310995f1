"""A network with everything it needs to be used: its classes, its preprocessing, and how its answers are read.

A classifier is saved as two files that hold no code: `model.safetensors` (the weights) and `model.json` (the rest).
"""

import contextlib
import dataclasses
import itertools
import json
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from sightline import __version__, files
from sightline.config import ViewsName
from sightline.errors import DataError, ImageError, ModelError, RunError, near
from sightline.models.contract import Network
from sightline.models.registry import Architecture
from sightline.pixels.preprocess import Preprocess

FORMAT = 1  # of model.json; a reader refuses what is newer than itself
CHUNK = 500  # images through the network at once; more is no faster and needs more memory

Source = str | os.PathLike[str] | bytes | NDArray[np.uint8]


@dataclass(frozen=True)
class Prediction:
    """What a classifier says about one image.

    top: the most probable classes with their probabilities, best first; the first is `label`, `probability`.
    unknown: the best probability is below the classifier's `unknown_below`: better not to believe `label`.
    """

    label: str
    probability: float
    top: tuple[tuple[str, float], ...]
    unknown: bool = False


class Classifier:
    """A network that answers with class names.

    classes: name of each logit, in order.
    preprocess: how an image becomes network input; the same in training, evaluation and use.
    architecture: what `load` builds before it fills in the weights.
    temperature: logits are divided by it before softmax; above 1 makes answers less sure.
    views: logits are averaged over these views of an image; see `logits`.
    unknown_below: a best probability below this is marked unknown; 0 never is.
    note: what must be said wherever this classifier's accuracy is shown; may be empty.
    provenance: where the classifier comes from: versions, data, date, the weights' licence.
    """

    def __init__(
        self,
        network: Network,
        classes: Iterable[str],
        preprocess: Preprocess,
        architecture: Architecture,
        temperature: float = 1.0,
        views: ViewsName = "plain",
        note: str = "",
        *,
        unknown_below: float = 0.0,
        provenance: dict[str, str] | None = None,
    ) -> None:
        self.network = network
        self.classes = tuple(classes)
        self.preprocess = preprocess
        self.architecture = architecture
        self.temperature = temperature
        self.views: ViewsName = views
        self.note = note
        self.unknown_below = unknown_below
        self.provenance = {"sightline": __version__, "torch": torch.__version__} | (provenance or {})
        self.precision: Literal["fp32", "bf16"] = "fp32"
        if len(self.classes) != architecture.num_classes:
            raise ModelError(
                f"{architecture.name} has {architecture.num_classes} outputs for {len(self.classes)} class names",
                hint="give one name for each output",
            )

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where images are sent."""
        return next(self.network.parameters()).device

    def to(self, device: str | torch.device, precision: Literal["fp32", "bf16"] = "fp32") -> Self:
        """This classifier with its weights on `device`, computing in `precision`; the weights stay float32."""
        self.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.precision = precision
        return self

    def logits(self, images: Tensor) -> Tensor:
        """The network's answers before softmax: uint8 (B, C, H, W) -> float32 (B, K), on the images' device.

        Averaged over the views of each image, as in arXiv 2404.00498: `mirror` is the mean of the image and its
        left-right mirror; `shift` takes half of the image itself and a quarter each of the image moved by one pixel
        down-right and up-left, the border filled by reflection; `mirror-shift` does both.
        The network is evaluated in eval mode and left in the mode it was in.

        Raises DataError when the images are not uint8 or not of the size and channels the classifier sees.
        """
        self._check(images)
        if len(images) == 0:
            return torch.empty(0, len(self.classes), device=images.device)
        with _evaluating(self.network), torch.inference_mode(), self._autocast():
            parts = [self._view_logits(chunk.to(self.device)) for chunk in images.split(CHUNK)]
            return torch.cat(parts).to(images.device)

    def probabilities(self, images: Tensor) -> Tensor:
        """Softmax of the logits over the temperature: uint8 (B, C, H, W) -> float32 (B, K), rows summing to 1."""
        return (self.logits(images) / self.temperature).softmax(dim=1)

    def predict(self, source: Source, *, top: int = 5) -> Prediction:
        """The class of one image: a path, the bytes of an image file, or an array uint8 (H, W, 1 or 3).

        Raises ImageError when the image cannot be decoded.
        """
        image = torch.from_numpy(self._read(source))
        return self._prediction(self.probabilities(image[None])[0], top)

    def predict_many(
        self, sources: Iterable[Source], *, batch_size: int = 64, top: int = 5
    ) -> Iterator[Prediction | ImageError]:
        """One answer for each source, in order; an image that cannot be decoded gives its ImageError instead.

        Decoding runs in threads, one batch ahead of the network; only two batches are in memory at once.
        """
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            remaining = iter(sources)
            waiting: list[Future[NDArray[np.uint8]]] = []
            while True:
                decoding = [pool.submit(self._read, source) for source in itertools.islice(remaining, batch_size)]
                yield from self._predict_decoded(waiting, top)
                if not decoding:
                    return
                waiting = decoding

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write model.safetensors and model.json into `folder`, each atomically. Raises StorageError."""
        from safetensors.torch import save

        folder = Path(folder)
        files.make_folder(folder)
        weights = {name: _as_saved(tensor) for name, tensor in self.network.state_dict().items()}
        files.write_bytes(folder / "model.safetensors", save(weights, metadata={"format": "pt"}))
        description = {
            "format": FORMAT,
            "architecture": dataclasses.asdict(self.architecture),
            "classes": list(self.classes),
            "preprocess": self.preprocess.to_json(),
            "temperature": self.temperature,
            "views": self.views,
            "unknown_below": self.unknown_below,
            "note": self.note,
            "provenance": self.provenance,
        }
        files.write_json(folder / "model.json", description)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> Self:
        """The classifier saved in `folder`, or in the model/ of a run folder. Runs no code from the files.

        Raises RunError when files are missing, damaged or from a newer version, ModelError when weights do not fit.
        """
        folder = _model_folder(Path(folder))
        description = _read_description(folder / "model.json")
        try:
            architecture = Architecture(**description["architecture"])
            settings = {key: description[key] for key in ("temperature", "views", "note", "unknown_below")}
            classes, provenance = description["classes"], description["provenance"]
            preprocess = Preprocess.from_json(description["preprocess"])
        except (KeyError, TypeError) as error:
            missing = f"the key {error} is missing" if isinstance(error, KeyError) else str(error)
            raise RunError(
                f"incomplete model description: {missing}", where=str(folder / "model.json"), hint=RESTORE
            ) from error
        if settings["views"] not in get_args(ViewsName):
            raise RunError(
                f"unknown views '{settings['views']}'",
                where=str(folder / "model.json"),
                hint=near(str(settings["views"]), get_args(ViewsName)),
            )
        # Building draws random weights that are overwritten at once: the caller's random numbers stay as they were.
        with torch.random.fork_rng(devices=[]):
            network = architecture.build()
        _fill(network, folder / "model.safetensors")
        classifier = cls(network, classes, preprocess, architecture, provenance=provenance, **settings)
        return classifier.to(device)

    def _check(self, images: Tensor) -> None:
        expected = (self.preprocess.channels, *self.preprocess.size)
        if images.dtype != torch.uint8 or images.ndim != 4 or tuple(images.shape[1:]) != expected:
            found = " x ".join(map(str, images.shape))
            raise DataError(
                f"images are {images.dtype} {found}, the classifier sees uint8 B x {' x '.join(map(str, expected))}",
                hint="turn each image into network input with the classifier's own `preprocess`",
            )

    def _autocast(self) -> contextlib.AbstractContextManager[Any]:
        return torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision == "bf16")

    def _view_logits(self, images: Tensor) -> Tensor:
        """Logits averaged over the views of one chunk: uint8 (B, C, H, W) -> float32 (B, K)."""
        x = self.preprocess.normalise(images)
        logits = self._mirror_logits(x)
        if self.views in ("shift", "mirror-shift"):
            height, width = x.shape[2:]
            padded = F.pad(x, (1, 1, 1, 1), mode="reflect")  # (B, C, H + 2, W + 2)
            corners = (padded[:, :, :height, :width], padded[:, :, 2:, 2:])
            first, second = (
                self._mirror_logits(corner.contiguous(memory_format=torch.channels_last)) for corner in corners
            )
            logits = 0.5 * logits + 0.25 * first + 0.25 * second
        return logits

    def _mirror_logits(self, x: Tensor) -> Tensor:
        logits = self.network(x).float()
        if self.views in ("mirror", "mirror-shift"):
            logits = 0.5 * logits + 0.5 * self.network(x.flip(3)).float()
        return logits

    def _read(self, source: Source) -> NDArray[np.uint8]:
        """Network input of one image, uint8 (C, H, W)."""
        return self.preprocess.pixels(source) if isinstance(source, np.ndarray) else self.preprocess.read(source)

    def _predict_decoded(
        self, decoding: list[Future[NDArray[np.uint8]]], top: int
    ) -> Iterator[Prediction | ImageError]:
        """The answers for a batch whose decoding has begun."""
        decoded = [_result(future) for future in decoding]
        arrays = [array for array in decoded if isinstance(array, np.ndarray)]
        probabilities = iter(self.probabilities(torch.from_numpy(np.stack(arrays))) if arrays else ())
        for array in decoded:
            yield array if isinstance(array, ImageError) else self._prediction(next(probabilities), top)

    def _prediction(self, probabilities: Tensor, top: int) -> Prediction:
        values, indices = probabilities.topk(min(top, len(self.classes)))
        best = tuple((self.classes[i], p) for i, p in zip(indices.tolist(), values.tolist(), strict=True))
        label, probability = best[0]
        return Prediction(label, probability, best, unknown=probability < self.unknown_below)


RESTORE = "restore the folder from a copy, or train again"


def _result(future: Future[NDArray[np.uint8]]) -> NDArray[np.uint8] | ImageError:
    try:
        return future.result()
    except ImageError as error:
        return error


@contextlib.contextmanager
def _evaluating(network: Network) -> Iterator[None]:
    """Eval mode within the block; afterwards each module is in the mode it was in, also when they differed."""
    training = [module for module in network.modules() if module.training]
    network.eval()
    try:
        yield
    finally:
        for module in training:
            module.training = True


def _as_saved(tensor: Tensor) -> Tensor:
    """A tensor as it is written: on the CPU, contiguous, float32 where it is floating."""
    dtype = torch.float32 if tensor.is_floating_point() else tensor.dtype
    return tensor.detach().to("cpu", dtype).contiguous().clone()


def _model_folder(folder: Path) -> Path:
    """`folder`, or its model/ when it is a run folder."""
    if not folder.exists():
        raise RunError(f"there is no folder {folder}", hint="give a run folder, e.g. runs/digits-convnet-1")
    if not (folder / "model.json").exists() and (folder / "model").is_dir():
        folder = folder / "model"
    for name in ("model.json", "model.safetensors"):
        if not (folder / name).is_file():
            raise RunError(f"{folder} has no {name}", hint="give a run folder whose training has saved a model")
    return folder


def _read_description(path: Path) -> dict[str, Any]:
    """The parsed model.json, of a format this version can read."""
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise RunError(f"not valid JSON: {error}", where=str(path), hint=RESTORE) from error
    if not isinstance(description, dict) or not isinstance(description.get("format"), int):
        raise RunError("not a model description: it has no format number", where=str(path), hint=RESTORE)
    if description["format"] > FORMAT:
        provenance = description.get("provenance")
        version = provenance.get("sightline", "unknown") if isinstance(provenance, dict) else "unknown"
        raise RunError(
            f"written by a newer Sightline ({version}, format {description['format']}); "
            f"this is {__version__}, which reads up to format {FORMAT}",
            where=str(path),
            hint="upgrade with `pip install --upgrade sightline`",
        )
    return description


def _fill(network: Network, path: Path) -> None:
    """Put the weights of the file into the network. Raises RunError or ModelError naming the file and both shapes."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(path)
    except SafetensorError as error:
        raise RunError(f"damaged weights: {error}", where=str(path), hint=RESTORE) from error
    wanted = network.state_dict()
    fits = "the weights belong to another architecture; " + RESTORE
    for name in sorted(wanted.keys() - weights.keys()):
        raise ModelError(f"the tensor {name} is missing", where=str(path), hint=fits)
    for name in sorted(weights.keys() - wanted.keys()):
        raise ModelError(f"the tensor {name} has no place in the network", where=str(path), hint=fits)
    for name, tensor in wanted.items():
        if weights[name].shape != tensor.shape:
            raise ModelError(
                f"{name} is {tuple(weights[name].shape)} in the file and {tuple(tensor.shape)} in the network",
                where=str(path),
                hint=fits,
            )
    network.load_state_dict(weights)
