"""The first step of a training: the data found, every file of it looked at, and split."""

import os
from dataclasses import dataclass

from sightline.data.audit.audit import Audit
from sightline.data.imageset import Splits
from sightline.data.load import load_audited
from sightline.training.listener import Listener


@dataclass(frozen=True, eq=False)
class Gathered:
    """Data that may be trained on any number of times.

    data: what a person calls it. splits: duplicates and groups on one side each. audit: None for named sets, which are
    the same for everybody. val, group_by, seed: by which the splits were made.
    """

    data: str
    splits: Splits
    audit: Audit | None = None
    val: str | None = None
    group_by: str | None = None
    seed: int = 0


def gather(
    data: str | os.PathLike[str],
    *,
    val: str | None = None,
    group_by: str | None = None,
    seed: int = 0,
    listener: Listener | None = None,
) -> Gathered:
    """Load, audit and split `data`; the arguments and what is raised are those of `load_audited`."""
    listener = listener or Listener()
    name = os.fspath(data)
    with listener.working(f"looking at {name}"):
        splits, audit = load_audited(name, val=val, seed=seed, group_by=group_by)
    if audit:
        listener.audit(audit)
    return Gathered(name, splits, audit, val, group_by, seed)
