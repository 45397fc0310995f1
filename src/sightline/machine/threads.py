"""How many threads work on images at once (decoding and resizing run beside each other); imports ahead of use."""

import contextlib
import importlib
import os
import threading


def usable_cores() -> int:
    """How many cores this process may use; where the system does not say, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def import_ahead(module: str) -> threading.Thread:
    """Import a module that takes seconds in a thread, so that it is there when it is needed.

    What goes wrong is not said: whoever imports it in earnest is told, and a process that ends meanwhile pulls the
    interpreter from under the thread, which is no news.
    """

    def load() -> None:
        with contextlib.suppress(BaseException):
            importlib.import_module(module)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    return thread
