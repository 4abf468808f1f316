"""Signals that ask a run to stop: it saves first. A second one is not asked about."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from .group import Group

SIGNALS = (signal.SIGINT, signal.SIGTERM)

CONFERRED_EVERY = 5
"""Steps after which several processes tell one another of signals: to do so each time would have them wait for it."""


class Stopped(KeyboardInterrupt):
    """A run that was asked to stop and has saved its state. No handler of ordinary errors catches it."""

    def __init__(self, number: signal.Signals, checkpoint: Path) -> None:
        super().__init__(f"stopped by {number.name}; saved {checkpoint}, from which --resume goes on")
        self.signal = number
        """What asked for it."""


class Stop:
    """Whether the run is asked to stop."""

    signal: signal.Signals | None = None


@contextmanager
def signals_heeded() -> Iterator[Stop]:
    """While this lasts, SIGINT and SIGTERM ask for a stop; a second one ends the process at once.

    One that the process was told to ignore, as ``nohup`` and shells do for what runs in the background, stays
    ignored. Outside the main thread, where Python takes no handlers, signals do what they did before.
    """
    stop = Stop()

    def heed(number: int, frame: FrameType | None) -> None:
        if stop.signal is not None:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)
        stop.signal = signal.Signals(number)

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in SIGNALS}
    heeded = [number for number, handler in before.items() if handler is not signal.SIG_IGN]
    for number in heeded:
        signal.signal(number, heed)
    try:
        yield stop
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def asked_of(group: Group, stop: Stop, step: int) -> signal.Signals | None:
    """The signal by which any process of the group is asked to stop after ``step``.

    Several have to stop after the same step: they confer about it every `CONFERRED_EVERY` steps.
    """
    if group.shard.size == 1:
        return stop.signal
    number = 0 if step % CONFERRED_EVERY else group.maximum(stop.signal or 0)
    return signal.Signals(number) if number else None


def ignore_signals(worker: int) -> None:
    """For a worker that reads pictures: whether to stop is for the process that trains to say."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
