"""Ctrl-C and SIGTERM as a flag that the training looks at between two steps."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Interruption:
    """Whether someone asked to stop, and by which signal."""

    def __init__(self) -> None:
        self.signal: signal.Signals | None = None

    def __bool__(self) -> bool:
        return self.signal is not None

    def note(self, number: int, frame: FrameType | None) -> None:
        """The signal handler: remember the first request; a second Ctrl-C stops at once."""
        if self.signal is not None:
            raise KeyboardInterrupt
        self.signal = signal.Signals(number)


@contextlib.contextmanager
def terminable() -> Iterator[None]:
    """Within the block SIGTERM is what Ctrl-C is: it raises KeyboardInterrupt. Ignored, as under nohup, it stays so."""
    previous = signal.getsignal(signal.SIGTERM)
    if threading.current_thread() is not threading.main_thread() or previous in (signal.SIG_IGN, None):
        yield
        return
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextlib.contextmanager
def interruption() -> Iterator[Interruption]:
    """Within the block SIGINT and SIGTERM only set a flag; afterwards the previous handlers are back.

    A signal that came after the last look at the flag is passed on to them when the block ends without an error.
    Signals that are ignored, as under nohup, stay so. In any thread but the main one the flag is never set.
    """
    request = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    previous = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    # None is a handler that Python did not install and cannot put back.
    handled = {number: handler for number, handler in previous.items() if handler not in (signal.SIG_IGN, None)}
    for number in handled:
        signal.signal(number, request.note)
    try:
        yield request
    finally:
        for number, handler in handled.items():
            signal.signal(number, handler)
    if request.signal is not None:
        signal.raise_signal(request.signal)
