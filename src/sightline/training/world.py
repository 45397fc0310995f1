"""The processes that train one network together, of which there is one so far.

The loop asks its world wherever several processes have to come to the same answer: one that stops, breaks or counts
time by itself would leave the others waiting for it.
"""

from torch import Tensor, nn


class World:
    """A process that trains alone: every batch is its own, and it agrees with itself.

    A subclass for several processes overrides all of this. Its methods are meetings: every process calls them, in the
    same order, and every process gets the same answer.
    """

    rank = 0
    size = 1

    @property
    def writes(self) -> bool:
        """Whether this is the one process that writes files and speaks; no meeting."""
        return self.rank == 0

    def share(self, count: int) -> slice:
        """Which of a batch's `count` images this process computes; no meeting."""
        return slice(0, count)

    def add_gradients(self, network: nn.Module) -> None:
        """Give every process the sum of all processes' gradients, in place.

        Each has computed its images' part of the batch's mean loss, so that the sum is the gradient of that mean.
        """

    def total(self, value: Tensor) -> Tensor:
        """The sum of every process's tensor, on the same device."""
        return value

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return flag

    def decided(self, flag: bool) -> bool:
        """The flag of the process that writes."""
        return flag

    def longest(self, seconds: float) -> float:
        """The time of the process for which it is the longest."""
        return seconds


ALONE = World()
