"""Times that can be trusted on a machine that others use too."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch

WARM_UP = 2
"""Turns that are not counted: caches, allocators and cuDNN settle."""


def now() -> float:
    """Seconds, after all work that a GPU still has."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()


@dataclass(frozen=True)
class Ratio:
    """How many times as long one way took as another: the median of paired turns, and the middle half of them."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class Turns:
    """Seconds of each way, turn by turn. The ways took turns, so what disturbed one disturbed its neighbours."""

    seconds: Mapping[str, list[float]]

    def median(self, way: str) -> float:
        """Seconds of one way."""
        return statistics.median(self.seconds[way])

    def ratio(self, way: str, other: str) -> Ratio:
        """``way`` over ``other``."""
        pairs = [a / b for a, b in zip(self.seconds[way], self.seconds[other], strict=True)]
        low, median, high = statistics.quantiles(pairs, n=4)
        return Ratio(median, low, high)


def take_turns(ways: Mapping[str, Callable[[], object]], turns: int, *, inner: int = 1) -> Turns:
    """Run the ways in the order A B C, C B A, ...; each ``inner`` times a turn."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(turns + WARM_UP):
        for name in list(ways)[:: 1 if turn % 2 else -1]:
            start = now()
            for _ in range(inner):
                ways[name]()
            seconds[name].append((now() - start) / inner)
    return Turns({name: taken[WARM_UP:] for name, taken in seconds.items()})


def foreign_load(interval: float = 0.5) -> float | None:
    """The share of all cores that others use while this process sleeps; None where the system does not say."""
    statistics_file = Path("/proc/stat")
    if not statistics_file.exists():
        return None

    def idle_and_all() -> tuple[int, int]:
        jiffies = [int(number) for number in statistics_file.read_text().splitlines()[0].split()[1:9]]
        return jiffies[3] + jiffies[4], sum(jiffies)

    idle, total = idle_and_all()
    time.sleep(interval)
    later_idle, later_total = idle_and_all()
    return 1 - (later_idle - idle) / max(1, later_total - total)
