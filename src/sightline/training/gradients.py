"""From one batch to gradients: the batch goes through the network in parts whose gradients are added up."""

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Generator, Tensor, nn

from sightline.config import TrainConfig
from sightline.data.augment.mix import mix
from sightline.data.batches import Batch
from sightline.data.randomness import derived_seed
from sightline.machine.memory import Shortage, too_small
from sightline.training.losses import balanced_weights, cross_entropy, l2_penalty
from sightline.training.setup import Setup, compares_images
from sightline.training.world import ALONE, World

Check = Callable[[int, Tensor, Tensor], None]  # of a step, its loss and the network input it came from


class Gradients:
    """Computes the gradients of batches. check: looks at every loss before it is used. say: told of short memory."""

    def __init__(
        self,
        network: nn.Module,
        setup: Setup,
        config: TrainConfig,
        *,
        check: Check,
        say: Callable[[str], object],
        world: World = ALONE,
    ) -> None:
        self.network = network
        self.setup = setup
        self.config = config
        self.check = check
        self.say = say
        self.world = world
        balanced = config.class_weights == "balanced"
        self.class_weights = balanced_weights(setup.batches.labels, setup.num_classes) if balanced else None
        self.largest_part = 0  # images that have gone through at once
        self.least = 2 if compares_images(network, config) else 1  # images in a part

    def add(self, batch: Batch, step: int, *, parts: int) -> tuple[Tensor, int]:
        """Give the parameters the gradients of the batch's mean loss; there must be none yet.

        Each process of the world computes its share of the batch. Returns the sum of the images' losses, a scalar, and
        the number of parts that was used. It is `parts`, doubled as often as memory runs out in some process: every
        attempt begins anew with the same random numbers, so the result is that of a training which had used so many
        parts from the beginning. torch's global generator is seeded.
        No part is a single image when batch norm compares images. Raises TrainingError when not even the smallest
        parts fit.
        """
        share = self.world.share(len(batch.labels))
        mine = Batch(*(tensor[share] for tensor in batch))
        count = len(mine.labels)
        most = max(1, count // self.least)
        asked = parts = min(parts, most)
        while True:
            together = -(-count // parts)
            # Batch norm has counted the images of a failed attempt. What fitted once will fit again, most probably:
            # only the first step pays for the copy.
            untried = together > self.largest_part or self.world.size > 1  # another's memory may be short
            before = [buffer.clone() for buffer in self.network.buffers()] if untried else []
            with Shortage() as shortage:
                loss = self._add_in_parts(mine, step, parts, of=len(batch.labels))
            if not self.world.any(bool(shortage)):
                self.largest_part = max(self.largest_part, together)
                if parts > asked and self.world.writes:
                    self.say(
                        f"out of memory with {-(-count // asked):,} images at once: batches of {count:,} now go "
                        f"through the network in {parts:,} parts, and their gradients are added up"
                    )
                self.world.add_gradients(self.network)
                return self.world.total(loss), parts
            self.network.zero_grad(set_to_none=True)
            for buffer, value in zip(self.network.buffers(), before, strict=False):
                buffer.copy_(value)
            if self.world.any(together <= -(-count // most)):
                raise too_small(together, shortage.reason or "the memory of another process")
            parts = min(2 * parts, most)

    def _add_in_parts(self, batch: Batch, step: int, parts: int, *, of: int) -> Tensor:
        """of: images in the batches of all processes together."""
        config, setup = self.config, self.setup
        torch.manual_seed(derived_seed(config.seed, "step", step))  # dropout
        total = torch.zeros((), device=setup.device)
        for index, part in enumerate(_parts(batch, parts)):
            inputs, targets = self._network_input(part, step, index)
            with setup.precision.autocast(setup.device):
                logits = self.network(inputs)
            loss = cross_entropy(
                logits, targets, label_smoothing=config.label_smoothing, class_weights=self.class_weights
            )
            loss = loss + l2_penalty(self.network, config.l2)
            self.check(step, loss, inputs)
            (loss * (len(part.labels) / of)).backward()  # type: ignore[no-untyped-call]
            total += loss.detach() * len(part.labels)
        return total

    def _network_input(self, part: Batch, step: int, index: int) -> tuple[Tensor, Tensor]:
        """Normalised images (B, C, H, W) and targets: class numbers (B,), or soft labels (B, K) where images mix.

        Images mix within their part, each part in a way of its own.
        """
        inputs = self.setup.preprocess.normalise(part.images)
        augment = self.config.augment
        if not (augment.mixup or augment.cutmix):
            return inputs, part.labels
        seed = derived_seed(self.config.seed, f"mix part {index}", step)
        generator = Generator(inputs.device).manual_seed(seed)
        return mix(inputs, part.labels, self.setup.num_classes, augment, generator=generator)


def _parts(batch: Batch, count: int) -> Iterator[Batch]:
    """The batch in `count` parts as equal as can be."""
    parts = zip(*(tensor.tensor_split(count) for tensor in batch), strict=True)
    return itertools.starmap(Batch, parts)
