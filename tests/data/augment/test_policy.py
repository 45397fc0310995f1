"""RandAugment and TrivialAugment one image at a time, repeatable, and without touching the global generator."""

import pytest
import torch
from torch import Generator, Tensor

from sightline.data.augment.policy import random_policy


def noise(channels: int) -> Tensor:
    generator = Generator().manual_seed(2)
    return torch.randint(0, 256, (12, channels, 16, 16), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("policy", ["rand", "trivial"])
def test_policies_keep_shape_and_follow_their_generator(policy: str, channels: int) -> None:
    images = noise(channels)

    def draw(seed: int) -> Tensor:
        return random_policy(images, policy=policy, generator=Generator().manual_seed(seed))  # type: ignore[arg-type]

    before = torch.get_rng_state()
    first = draw(0)
    assert first.shape == images.shape
    assert first.dtype == torch.uint8
    assert torch.equal(first, draw(0))
    assert not torch.equal(first, draw(1))
    assert torch.equal(torch.get_rng_state(), before)


def test_every_image_gets_an_operation_of_its_own() -> None:
    images = noise(3)[:1].expand(30, -1, -1, -1)
    results = random_policy(images, policy="trivial", generator=Generator().manual_seed(0))
    assert len({result.numpy().tobytes() for result in results}) > 10
