"""A network with everything it needs to be used: its classes, its preprocessing, and how its answers are read."""

import itertools
import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sightline import __version__
from sightline.classifier.answering import AnsweringNetwork
from sightline.classifier.confidence import ConformalRule, UnknownRule
from sightline.classifier.files import ModelDescription, find_model_folder, read_description, read_weights, write_model
from sightline.config import ViewsName, require
from sightline.errors import ConfigError, DataError, ImageError, ModelError
from sightline.machine.memory import in_chunks
from sightline.models.contract import Network
from sightline.models.registry import Architecture
from sightline.models.watching import evaluation_mode
from sightline.pixels.preprocess import Preprocess

if TYPE_CHECKING:  # a server that loads a classifier needs no data sets
    from sightline.data.imageset import Splits

CHUNK = 500  # images through the network at once; more is no faster and needs more memory
CPU_PIXELS = 32 * 224 * 224  # through the network at once on a CPU: feature maps of more do not stay in its caches

Source = str | os.PathLike[str] | bytes | NDArray[np.uint8]


@dataclass(frozen=True)
class Prediction:
    """What a classifier says about one image.

    top: the most probable classes with their probabilities, best first; the first is `label`, `probability`.
    unknown: by the classifier's rule the image is unlike those it has learnt from: better not to believe `label`.
    label_set: when a coverage was asked for, the classes that may be the true one, the most probable first; see
    `confidence.ConformalRule`.
    """

    label: str
    probability: float
    top: tuple[tuple[str, float], ...]
    unknown: bool = False
    label_set: tuple[str, ...] = ()


class Classifier:
    """A network that answers with class names.

    classes: the name of each logit, in order.
    preprocess: how an image becomes network input; the same in training, evaluation and use.
    architecture: what `load` builds before it fills in the weights.
    temperature: logits are divided by it before softmax; above 1 makes answers less sure.
    views: the logits are averaged over these views of an image; see `AnsweringNetwork`.
    note: what must be said wherever this classifier's accuracy is shown; may be empty.
    unknown: the rule by which an image is called unknown; None calls none so.
    conformal: the rule behind label sets; None where no validation images have told it.
    provenance: where it comes from: data, date, the weights' licence; the versions are added.

    Raises ConfigError when these do not fit together, e.g. nine names for ten outputs.
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
        unknown: UnknownRule | None = None,
        conformal: ConformalRule | None = None,
        provenance: Mapping[str, str] | None = None,
    ) -> None:
        self.network = network
        self.classes = tuple(classes)
        self.preprocess = preprocess
        self.architecture = architecture
        self.temperature = temperature
        self.views: ViewsName = views
        self.precision: Literal["fp32", "bf16"] = "fp32"
        self.note = note
        self.unknown = unknown
        self.conformal = conformal
        self._answering_settings: tuple[object, ...] = ()  # what `_answering` was made of; see `answering`
        self.provenance = {"sightline": __version__, "torch": str(torch.__version__)} | dict(provenance or {})
        self.description()  # checks that all this fits together

    @classmethod
    def of(
        cls, network: Network, splits: "Splits", *, preprocess: Preprocess | None = None, views: ViewsName = "plain"
    ) -> Self:
        """A classifier of the classes in `splits` by a network from `create_model`; made before or after training it.

        preprocess: what the network was trained with; by default what `fit` takes by default, measured again.
        Raises ModelError for a network that was not built by name: a model file records the name, not the code.
        """
        if network.architecture is None:
            raise ModelError(
                f"this {type(network).__name__} was not built by name",
                hint="give it one with `sightline.models.registry.register`, and build it with `create_model`",
            )
        if preprocess is None:
            from sightline.data.statistics import default_preprocess

            preprocess = default_preprocess(splits.train, network.input_shape)
        return cls(
            network,
            splits.classes,
            preprocess,
            network.architecture,
            views=views,
            note=splits.note,
            provenance={"data": splits.name},
        )

    @property
    def device(self) -> torch.device:
        """Where the weights are, and where images are sent."""
        return next(self.network.parameters()).device

    @property
    def answering(self) -> AnsweringNetwork:
        """All that answers, as one module: pixels -> logits. Another one after `to`, or when `views` is changed."""
        settings = (self.network, self.preprocess, self.views, self.precision)
        if self._answering_settings != settings:
            self._answering = AnsweringNetwork(
                self.network, self.preprocess, views=self.views, precision=self.precision
            )
            self._answering_settings = settings
        if self._answering.scale.device != self.device:  # the network has been moved meanwhile, e.g. to be trained
            self._answering.to(self.device)
        return self._answering

    def to(self, device: str | torch.device, precision: Literal["fp32", "bf16"] = "fp32") -> Self:
        """This classifier with its weights on `device`, computing in `precision`; what is saved stays float32.

        In bf16 a copy answers, made here, whose batch norms are folded into its convolutions: what the network learns
        afterwards it does not know until it is made again.

        Raises ConfigError for a device that is not there or a precision of another name.
        """
        _require_device(device)
        require(precision in ("fp32", "bf16"), f"precision is '{precision}'", "use fp32 or bf16")
        self.network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.precision = precision
        self._answering_settings = ()
        _ = self.answering  # made now, in bf16 of the weights as they are
        return self

    def logits(self, images: Tensor) -> Tensor:
        """The network's answers before softmax: uint8 (B, C, H, W) -> float32 (B, K), on the images' device.

        They are those of `answering`, a chunk of images at a time, half as many when memory runs out. The network is
        evaluated in eval mode and left in the mode it was in.

        Raises DataError when the images are not uint8, or not of the size and channels the classifier sees.
        """
        self._check(images)
        if len(images) == 0:
            return torch.empty(0, len(self.classes), device=images.device)
        device, answering = self.device, self.answering
        with evaluation_mode(answering.network), torch.inference_mode():
            logits = in_chunks(lambda part: answering(images[part].to(device)), len(images), chunk=self._chunk)
            return logits.to(images.device)

    def probabilities(self, images: Tensor) -> Tensor:
        """Softmax of the logits over the temperature: uint8 (B, C, H, W) -> float32 (B, K), rows summing to 1."""
        return (self.logits(images) / self.temperature).softmax(dim=1)

    def predict(self, source: Source, *, top: int = 5, coverage: float | None = None) -> Prediction:
        """The class of one image: a path, the bytes of an image file, or an array uint8 (H, W, 1 or 3).

        top: how many of the likeliest classes the prediction names, 1 or more; of fewer classes, all. coverage: of the
        label set, e.g. 0.95; by default there is none. Raises ImageError when the image cannot be decoded, InputError
        for an array of another shape or type, ConfigError for an impossible coverage or when the model has no rule.
        """
        self.require_possible(top, coverage)
        image = torch.from_numpy(np.stack([self._read(source)]))  # (1, C, H, W)
        return self._predictions(image, top, coverage)[0]

    def predict_many(
        self, sources: Iterable[Source], *, batch_size: int = 64, top: int = 5, coverage: float | None = None
    ) -> Iterator[Prediction | ImageError]:
        """One answer for each source, in order; an image that cannot be decoded gives its ImageError instead.

        Threads decode one batch while the network looks at the one before; no more than two are in memory. Raises
        InputError for an array of another shape or type, ConfigError as `predict` does.
        """
        self.require_possible(top, coverage)
        require(batch_size >= 1, f"batch_size is {batch_size}", "use 1 or more images, e.g. 64")
        remaining = iter(sources)
        waiting: list[Future[NDArray[np.uint8]]] = []
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            while True:
                decoding = [pool.submit(self._read, source) for source in itertools.islice(remaining, batch_size)]
                yield from self._predict_decoded(waiting, top, coverage)
                if not decoding:
                    return
                waiting = decoding

    def require_possible(self, top: int, coverage: float | None) -> None:
        """Raise ConfigError for `top` or `coverage` that `predict` would refuse, before any image is read."""
        require(top >= 1, f"top is {top}", "ask for 1 or more classes")
        if coverage is None:
            return
        if self.conformal is None:
            hint = "train with a validation split, e.g. --val 0.1, or ask for no coverage"
            raise ConfigError("this model has no validation images behind it that tell a coverage", hint=hint)
        self.conformal.floor(coverage)  # refuses what it cannot promise

    def description(self) -> ModelDescription:
        """All but the weights: what model.json holds."""
        return ModelDescription(
            architecture=self.architecture,
            classes=self.classes,
            preprocess=self.preprocess,
            temperature=self.temperature,
            views=self.views,
            unknown=self.unknown,
            conformal=self.conformal,
            note=self.note,
            provenance=self.provenance,
        )

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write model.safetensors and model.json into `folder`, each atomically. Raises StorageError."""
        write_model(Path(folder), self.description(), self.network)

    @classmethod
    def load(cls, folder: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> Self:
        """The classifier saved in `folder`, or in the model/ of a run folder. Runs no code from the files.

        Raises RunError when files are missing, damaged or from a newer version, ModelError when the weights do not fit.
        """
        folder = find_model_folder(Path(folder))
        saved = read_description(folder / "model.json")
        # Building draws random weights that are overwritten at once: the caller's random numbers stay as they were.
        with torch.random.fork_rng(devices=[]):
            network = saved.architecture.build()
        read_weights(network, folder / "model.safetensors")
        classifier = cls(
            network,
            saved.classes,
            saved.preprocess,
            saved.architecture,
            saved.temperature,
            saved.views,
            saved.note,
            unknown=saved.unknown,
            conformal=saved.conformal,
            provenance=saved.provenance,
        )
        network.eval()
        return classifier.to(device)

    def _check(self, images: Tensor) -> None:
        expected = (self.preprocess.channels, *self.preprocess.size)
        if images.dtype != torch.uint8 or images.ndim != 4 or tuple(images.shape[1:]) != expected:
            shape = " x ".join(map(str, images.shape))
            raise DataError(
                f"images are {str(images.dtype).removeprefix('torch.')} {shape}, "
                f"the classifier sees uint8 B x {' x '.join(map(str, expected))}",
                hint="turn each image into network input with the classifier's own `preprocess`",
            )

    @property
    def _chunk(self) -> int:
        """Images through the network at once, while memory suffices."""
        height, width = self.preprocess.size
        return max(1, min(CHUNK, CPU_PIXELS // (height * width))) if self.device.type == "cpu" else CHUNK

    def _read(self, source: Source) -> NDArray[np.uint8]:
        """Network input of one image, uint8 (C, H, W)."""
        return self.preprocess.pixels(source) if isinstance(source, np.ndarray) else self.preprocess.read(source)

    def _predict_decoded(
        self, decoding: list[Future[NDArray[np.uint8]]], top: int, coverage: float | None
    ) -> Iterator[Prediction | ImageError]:
        """The answers for a batch whose decoding has begun."""
        decoded = [_array_or_error(future) for future in decoding]
        arrays = [array for array in decoded if isinstance(array, np.ndarray)]
        predictions = iter(self._predictions(torch.from_numpy(np.stack(arrays)), top, coverage) if arrays else ())
        for array in decoded:
            yield array if isinstance(array, ImageError) else next(predictions)

    def _predictions(self, images: Tensor, top: int, coverage: float | None) -> list[Prediction]:
        """The answers for network input, uint8 (B, C, H, W)."""
        logits = self.logits(images)
        values, indices = (logits / self.temperature).softmax(dim=1).topk(min(top, len(self.classes)))
        unknown = self.unknown.rejects(logits).tolist() if self.unknown else [False] * len(images)
        sets: list[tuple[str, ...]] = [()] * len(images)
        if coverage is not None and self.conformal:
            members = self.conformal.members(logits, self.temperature, coverage)
            order = logits.argsort(dim=1, descending=True, stable=True)
            sets = [
                tuple(self.classes[i] for i in best.tolist() if inside[i])
                for best, inside in zip(order, members.tolist(), strict=True)
            ]
        answers = zip(indices.tolist(), values.tolist(), unknown, sets, strict=True)
        return [
            Prediction(
                label=self.classes[classes[0]],
                probability=shares[0],
                top=tuple((self.classes[i], share) for i, share in zip(classes, shares, strict=True)),
                unknown=rejected,
                label_set=label_set,
            )
            for classes, shares, rejected, label_set in answers
        ]


def _require_device(device: str | torch.device) -> None:
    try:
        wanted = torch.device(device)
    except RuntimeError as error:
        raise ConfigError(f"there is no device '{device}'", hint="use cpu, cuda, cuda:1 or mps") from error
    there = torch.cuda.device_count()
    missing = wanted.type == "cuda" and (wanted.index or 0) >= there
    require(not missing, f"device '{device}' is not there", f"{there} CUDA devices are visible")


def _array_or_error(decoding: Future[NDArray[np.uint8]]) -> NDArray[np.uint8] | ImageError:
    """The decoded image, or why there is none."""
    try:
        return decoding.result()
    except ImageError as error:
        return error


def load(path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> Classifier:
    """The classifier in a run folder or model folder; see `Classifier.load`."""
    return Classifier.load(path, device=device)
