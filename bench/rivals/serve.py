"""The other end of `interleave.Worker`: do the work once for every line on standard input and tell how long it took.

Only the standard library: it runs in the rivals' environments too.
"""

import json
import sys
import time
from collections.abc import Callable


def serve(work: Callable[[], object], *, warm_up: int = 2) -> None:
    """Warm up, say so, then work whenever asked. `work` returns when its arithmetic is done."""
    for _ in range(warm_up):
        seconds = _seconds(work)
    _say(seconds)
    for _ in sys.stdin:
        _say(_seconds(work))


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _say(seconds: float) -> None:
    print(json.dumps({"seconds": seconds}), flush=True)
