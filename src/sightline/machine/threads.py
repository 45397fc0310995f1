"""How many threads work on images at once. Decoding and resizing release the interpreter's lock."""

import os


def usable_cores() -> int:
    """How many cores this process may use; where the system does not say, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
