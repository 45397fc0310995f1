"""Heads that train on features: a linear layer, or the textbook's two with a hidden layer between.

The linear layer is multinomial logistic regression: a convex problem, whose answer depends on no learning rate.
Only the strength of its L2 penalty has to be chosen; cross-validation does, by the loss on images that were left out.
"""

import dataclasses
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from sightline.config import HeadName, ParameterGroup
from sightline.data.randomness import global_generator_from
from sightline.errors import ModelError
from sightline.models.blocks import glorot_uniform, hidden_output
from sightline.models.contract import Network
from sightline.training.lbfgs import minimise
from sightline.training.optimizers import Optimizers
from sightline.training.stopping import Score

L2_PATH = tuple(10.0 ** (half / 2) for half in range(1, -10, -1))  # from 3 to 0.00003, strongest first
FOLDS = 5
MANY = 20_000  # images, from which on one fold is left out instead of each in turn: its loss is exact enough
WORSE = 2  # strengths in a row whose loss is no better, after which weaker ones are not tried
ROWS = 16_384  # of the features at once, to bound what is computed of them
ITERATIONS = 200
TOLERANCE = 1e-5  # of the objective; less changes no score of the left-out images

HIDDEN = 256  # the textbook's hidden layer, and how it trains
EPOCHS = 40
BATCH = 64
ADAMW = ParameterGroup(optimizer="adamw", lr=1e-3, weight_decay=0.01)


@dataclass(frozen=True, eq=False)
class HeadFit:
    """A trained output layer.

    weights: its tensors, float32, for features as the network gives them. hidden: units of its hidden layer, or 0.
    loss, accuracy: on images left out in turn. setting: what was chosen by that loss, an L2 strength or a number of
    epochs; tried: every setting with its loss. seconds: that the choice and the training took.
    left_out: float32 (N, K), the logits of every image by a layer of that setting that was trained without it; of many
    images only one fold is left out, and of a hidden layer as well, so that the rows of the others are NaN.
    """

    weights: dict[str, Tensor]
    hidden: int
    loss: float
    accuracy: float
    setting: float
    tried: tuple[tuple[float, float], ...]
    seconds: float
    left_out: Tensor


def fit_head(
    features: Tensor | Sequence[Tensor],
    labels: Tensor,
    num_classes: int,
    *,
    kind: HeadName = "linear",
    groups: tuple[str, ...] = (),
    class_weights: Tensor | None = None,
    seed: int = 0,
) -> HeadFit:
    """An output layer trained on features, float32 (N, D), or on those of several views, each of them so.

    labels: int64 (N,). groups: images with the same one are left out together; empty when there are none. Left-out
    images are judged by their first view. class_weights: float (K,), factors of the losses.
    """
    started = time.perf_counter()
    weights = torch.ones(num_classes) if class_weights is None else class_weights.float().cpu()
    data = _Data.of(
        [features] if isinstance(features, Tensor) and features.ndim == 2 else features,
        labels,
        weights[labels],
        num_classes,
    )
    choose = _choose_l2 if kind == "linear" else _choose_epochs
    setting, tried, state, left_out = choose(data, _folds(labels, groups, seed), seed)
    best = next(score for value, score in tried if value == setting)
    hidden = 0 if kind == "linear" else HIDDEN
    return HeadFit(
        weights=_unscaled(state, data),
        hidden=hidden,
        loss=best.loss,
        accuracy=best.accuracy,
        setting=setting,
        tried=tuple((value, score.loss) for value, score in tried),
        seconds=time.perf_counter() - started,
        left_out=left_out,
    )


def put_head(network: Network, head: HeadFit) -> None:
    """Make the trained head the network's output layer: it is one ordinary network again.

    Raises ModelError for a network whose output layer has no bias: it cannot say what the head says.
    """
    output = network.head.get_submodule("output")
    if any(part.bias is None for part in output.modules() if isinstance(part, nn.Linear)):
        name = network.architecture.name if network.architecture else type(network).__name__
        raise ModelError(f"the output layer of {name} has no bias", hint="train the whole network instead")
    num_classes = len([tensor for key, tensor in head.weights.items() if key.endswith("bias")][-1])
    network.replace_head(num_classes, hidden=head.hidden)
    network.head.get_submodule("output").load_state_dict(head.weights)


def fit_linear(
    features: Tensor, labels: Tensor, num_classes: int, *, weights: Tensor, l2: float
) -> tuple[Tensor, Tensor]:
    """Linear layers trained as `fit_head` trains one, without its search, each with its own weights of the images.

    features: float32 (N, D), already scaled; see `centre_and_scale`. weights: float (F, N), factors of the losses:
    0 leaves an image out, and each row has to leave some in. l2: the strength of the penalty, as `HeadFit.setting` has
    it. All layers are trained at once, from that of all images. Returns their weights, float32 (F, K, D), and biases,
    (F, K).
    """
    zero, one = torch.zeros(features.shape[1]), torch.ones(features.shape[1])
    data = _Data([features], labels, torch.ones(len(labels)), num_classes, zero, one)
    none_left_out = torch.zeros(1, len(labels), dtype=torch.bool)
    start = _minimise(data, none_left_out, l2, torch.zeros(1, num_classes, features.shape[1] + 1))
    weighted = dataclasses.replace(data, weights=weights.float())
    layers = _minimise(weighted, none_left_out, l2, start.repeat(len(weights), 1, 1))
    return layers[:, :, :-1], layers[:, :, -1]


def left_out_folds(labels: Tensor, groups: tuple[str, ...] = (), seed: int = 0) -> Tensor:
    """Which images each fold of `fit_head` leaves out, bool (F, N); F is 5 for fewer than 20,000 images."""
    return torch.stack(_folds(labels, groups, seed))


def centre_and_scale(views: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """What heads subtract from features, float32 (N, D) each, and then divide them by: float32 (D,) each."""
    count = sum(len(view) for view in views)
    zero = torch.zeros(views[0].shape[1], dtype=torch.float64)
    chunks = [chunk for view in views for chunk in torch.split(view, ROWS)]
    mean = sum((chunk.double().sum(0) for chunk in chunks), zero) / count
    variance = sum(((chunk.double() - mean).square().sum(0) for chunk in chunks), zero) / count
    deviation = variance.sqrt()
    # Halfway, on a logarithmic scale, between full standardisation, which makes as much of a feature that hardly
    # ever speaks as of any other, and none: on photos the loss of left-out images is less than with either.
    scale = (deviation * deviation.mean()).sqrt()
    scale = torch.where(scale > 1e-6, scale, torch.ones_like(scale))
    return mean.float(), scale.float()


State = dict[str, Tensor]  # the weights of an output layer for scaled features
# The setting that was chosen, those that were tried, what was trained with it, and the logits of left-out images,
# (N, K) or NaN.
_Choice = tuple[float, list[tuple[float, Score]], State, Tensor]


@dataclass(frozen=True, eq=False)
class _Data:
    """views: float32 (N, D) each, never copied as a whole: they may be on the disk. labels: int64 (N,).

    weights: float32 (N,), factors of the losses, or (F, N) where each layer has its own. mean, scale:
    float32 (D,), by which features are centred and divided.
    """

    views: Sequence[Tensor]
    labels: Tensor
    weights: Tensor
    num_classes: int
    mean: Tensor
    scale: Tensor

    @classmethod
    def of(cls, views: Sequence[Tensor] | Tensor, labels: Tensor, weights: Tensor, num_classes: int) -> "_Data":
        views = list(views)
        mean, scale = centre_and_scale(views)
        return cls(views, labels, weights, num_classes, mean, scale)

    def scaled(self, view: int, rows: Tensor) -> Tensor:
        """Features of some images, centred and scaled: (B, D)."""
        return (self.views[view][rows] - self.mean) / self.scale


def _unscaled(state: State, data: _Data) -> State:
    """The same output layer for features as the network gives them: the scaling goes into its first linear layer."""
    prefix = "hidden." if "hidden.weight" in state else ""
    weight = state[f"{prefix}weight"] / data.scale
    return state | {f"{prefix}weight": weight, f"{prefix}bias": state[f"{prefix}bias"] - weight @ data.mean}


def _folds(labels: Tensor, groups: tuple[str, ...], seed: int) -> list[Tensor]:
    """Which images each fold leaves out, bool (N,): every class and every group dealt out as evenly as can be.

    An image without a group ("") is a group of its own. Where all are of one group, it has to be torn apart.
    """
    group = np.arange(len(labels))
    if groups:
        names, alike = np.array(groups), np.unique(np.array(groups), return_inverse=True)[1]
        group = np.where(names == "", len(labels) + group, alike)
    _, first, group = np.unique(group, return_index=True, return_inverse=True)
    if len(first) == 1:
        return _folds(labels, (), seed)
    order = np.lexsort((np.random.default_rng(seed).permutation(len(first)), labels.numpy()[first]))
    fold = np.empty(len(first), dtype=np.int64)
    fold[order] = np.arange(len(first)) % FOLDS  # neighbours in this order are of one class: that of a first image
    used = 1 if len(labels) >= MANY else FOLDS
    left_out = [torch.from_numpy(fold[group] == number) for number in range(used)]
    return [images for images in left_out if images.any() and not images.all()]


def _score(logits: Tensor, data: _Data, folds: list[Tensor]) -> Score:
    """How the images left out by these folds, in their order, were answered: accuracy and mean loss, both weighted."""
    left_out = torch.cat([fold.nonzero()[:, 0] for fold in folds])
    weights, labels = data.weights[left_out], data.labels[left_out]
    losses = F.cross_entropy(logits, labels, reduction="none")
    correct = (logits.argmax(1) == labels).float()
    total = weights.sum()
    return Score(float((correct * weights).sum() / total), float((losses * weights).sum() / total))


def _in_place(logits: Sequence[Tensor], folds: list[Tensor], data: _Data) -> Tensor:
    """What is said of the images left out by these folds in the order of all images, (N, K); NaN of the others."""
    everything = torch.full((len(data.labels), data.num_classes), float("nan"))
    for left_out, fold in zip(logits, folds, strict=True):
        everything[fold] = left_out
    return everything


def _choose_l2(data: _Data, folds: list[Tensor], seed: int) -> _Choice:
    """The L2 strength with the least loss on left-out images, all that were tried, the layer trained with it, and what
    the layers trained without them say of these images.
    """
    everything = torch.zeros_like(folds[0])  # the last layer leaves nothing out: it is the answer
    layers = torch.zeros(len(folds) + 1, data.num_classes, len(data.mean) + 1)
    best, logits, tried, worse = layers[-1], list[Tensor](), list[tuple[float, Score]](), 0
    for l2 in L2_PATH:
        layers = _minimise(data, torch.stack([*folds, everything]), l2, layers)  # from where the last search ended
        left_out = list(map(partial(_logits, data), folds, layers))
        score = _score(torch.cat(left_out), data, folds)
        better = all(score.loss < other.loss for _, other in tried)
        best, logits, worse = (layers[-1], left_out, 0) if better else (best, logits, worse + 1)
        tried.append((l2, score))
        if worse == WORSE:
            break
    return min(tried, key=lambda pair: pair[1].loss)[0], tried, _state(best), _in_place(logits, folds, data)


def _state(layer: Tensor) -> State:
    """A layer of `_minimise`, (K, D + 1) with the biases in the last column."""
    return {"weight": layer[:, :-1].contiguous(), "bias": layer[:, -1].contiguous()}


def _logits(data: _Data, images: Tensor, layer: Tensor) -> Tensor:
    """The answers to the first view of some images, bool (N,) -> float32 (B, K)."""
    plain = _unscaled(_state(layer), data)
    rows = torch.split(images.nonzero()[:, 0], ROWS)
    return torch.cat([F.linear(data.views[0][part], plain["weight"], plain["bias"]) for part in rows])


def _minimise(data: _Data, left_out: Tensor, l2: float, start: Tensor) -> Tensor:
    """The best linear layer for each fold: left_out bool (F, N) -> float32 (F, K, D + 1), biases in the last column.

    Best is the least weighted cross-entropy of all images but those the fold leaves out, plus l2 / 2 * sum(weight**2).
    By L-BFGS from `start`, of the same shape. All layers are one problem, which is no harder and needs one matrix
    product where there would be F. The features are taken as they are, and the layers are scaled instead.
    """
    count, num_classes, columns = start.shape
    weights = data.weights * ~left_out
    weights = (weights / (weights.sum(1, keepdim=True) * len(data.views))).T  # (N, F)

    def objective(flat: Tensor) -> tuple[float, Tensor]:
        layers = flat.view(-1, columns).float()  # (F * K, D + 1)
        scaled, bias = layers[:, :-1], layers[:, -1]
        weight = scaled / data.scale
        offset = bias - weight @ data.mean
        loss = l2 / 2 * scaled.square().sum()
        gradient, offset_gradient = torch.zeros_like(weight), torch.zeros_like(bias)
        for view in data.views:
            parts = zip(*(torch.split(tensor, ROWS) for tensor in (view, data.labels, weights)), strict=True)
            for features, labels, of_loss in parts:
                logits = F.linear(features, weight, offset).view(len(features), count, num_classes)
                targets = F.one_hot(labels, num_classes)[:, None]  # (B, 1, K)
                log_probs = logits.log_softmax(2)
                loss = loss - ((log_probs * targets).sum(2) * of_loss).sum()
                errors = ((log_probs.exp() - targets) * of_loss[:, :, None]).flatten(1)
                gradient += errors.T @ features
                offset_gradient += errors.sum(0)
        gradient = (gradient - offset_gradient[:, None] * data.mean) / data.scale + l2 * scaled
        return float(loss), torch.cat([gradient, offset_gradient[:, None]], dim=1).flatten().double()

    minimum = minimise(objective, start.flatten().double(), tolerance=TOLERANCE, iterations=ITERATIONS)
    return minimum.float().view(start.shape)


def _choose_epochs(data: _Data, folds: list[Tensor], seed: int) -> _Choice:
    """The number of epochs with the least loss on the first fold, all with theirs, the layers trained so long, and what
    layers trained so long without them say of the images of that fold.
    """
    left_out = folds[0]
    rows = torch.split(left_out.nonzero()[:, 0], ROWS)
    tried: list[tuple[float, Score]] = []
    best = torch.empty(0)
    for epoch, network in enumerate(_epochs(data, ~left_out, seed), start=1):
        with torch.no_grad():
            logits = torch.cat([network(data.scaled(0, part)) for part in rows])
        score = _score(logits, data, folds[:1])
        best = logits if all(score.loss < other.loss for _, other in tried) else best
        tried.append((float(epoch), score))
    chosen = min(tried, key=lambda pair: pair[1].loss)[0]
    everything = torch.ones_like(left_out)
    *_, last = itertools.islice(_epochs(data, everything, seed), int(chosen))
    state = {key: tensor.clone() for key, tensor in last.state_dict().items()}
    return chosen, tried, state, _in_place([best], folds[:1], data)


def _epochs(data: _Data, images: Tensor, seed: int) -> Iterator[nn.Module]:
    """Train the textbook head on some images, bool (N,): at each yield, in eval mode, it has trained one epoch more."""
    generator = Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        head = hidden_output(len(data.mean), HIDDEN, data.num_classes).apply(glorot_uniform)
    optimizers = Optimizers(head, (ADAMW,))
    indices = images.nonzero()[:, 0]
    for _ in range(EPOCHS):
        order = indices[torch.randperm(len(indices), generator=generator)]
        head.train()
        for rows in torch.split(order, BATCH):
            view = int(torch.randint(len(data.views), (), generator=generator))
            with global_generator_from(generator), torch.enable_grad():  # the generator is for dropout
                logits = head(data.scaled(view, rows))
                losses = F.cross_entropy(logits, data.labels[rows], reduction="none")
                (losses * data.weights[rows]).mean().backward()  # type: ignore[no-untyped-call]
            optimizers.step()
            optimizers.zero_grad()
        yield head.eval()
