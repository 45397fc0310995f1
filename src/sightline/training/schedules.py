"""Learning-rate schedules: pure functions of progress in [0, 1], so there is no state to save.

Each returns the fraction of the peak rate to use. Progress is steps done over steps planned or, under a time budget,
seconds spent over seconds given.
"""

import math
from collections.abc import Callable

from sightline.config import ScheduleName

Schedule = Callable[[float], float]

ONECYCLE_RISE = 0.3  # fraction of training that climbs, as in torch's OneCycleLR and fastai
ONECYCLE_START = 1 / 25
STEP_EDGES = (0.5, 0.75)  # He et al. 2016, section 4.2, divide at 32k and 48k of 64k iterations
STEP_FACTOR = 0.1


def constant(progress: float) -> float:
    """The peak throughout."""
    return 1.0


def linear(progress: float) -> float:
    """Straight down from the peak to 0."""
    return 1.0 - progress


def cosine(progress: float) -> float:
    """Half a cosine from the peak to 0 (Loshchilov and Hutter, arXiv 1608.03983, without restarts)."""
    return 0.5 * (1.0 + math.cos(math.pi * progress))


def onecycle(progress: float) -> float:
    """Up from a 25th of the peak in the first 30 %, then down to 0, both along cosines (Smith, arXiv 1708.07120)."""
    if progress < ONECYCLE_RISE:
        return 1.0 - (1.0 - ONECYCLE_START) * cosine(progress / ONECYCLE_RISE)
    return cosine((progress - ONECYCLE_RISE) / (1.0 - ONECYCLE_RISE))


def step(progress: float) -> float:
    """The peak, a tenth of it from half-way on, a hundredth from three quarters on."""
    return STEP_FACTOR ** sum(progress >= edge for edge in STEP_EDGES)


SCHEDULES: dict[ScheduleName, Schedule] = {
    "constant": constant,
    "linear": linear,
    "cosine": cosine,
    "onecycle": onecycle,
    "step": step,
}


def learning_rate(name: ScheduleName, progress: float, *, warmup_fraction: float = 0.0, stop_at: float = 1.0) -> float:
    """The fraction of the peak rate at `progress`: linear warm-up, then the schedule over what remains until `stop_at`.

    Past `stop_at` the rate is what the schedule ends with.
    """
    if progress < warmup_fraction:
        return progress / warmup_fraction
    span = stop_at - warmup_fraction
    remaining = (progress - warmup_fraction) / span if span > 0 else 1.0
    return SCHEDULES[name](min(1.0, remaining))
