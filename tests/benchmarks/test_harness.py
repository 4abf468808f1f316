"""What the benchmarks measure with."""

from __future__ import annotations

import time

import pytest
import torch
from harness.clock import Turns, take_turns
from harness.limits import Limit, Machine, Work, count, machine
from torch import nn


def test_the_slower_way_takes_longer_by_its_ratio() -> None:
    measured = take_turns({"one": lambda: time.sleep(0.02), "three": lambda: time.sleep(0.06)}, 8)
    ratio = measured.ratio("three", "one")
    assert 2 < ratio.low <= ratio.median <= ratio.high < 4
    assert measured.ratio("one", "one").median == 1


def test_the_ways_take_turns_there_and_back() -> None:
    order: list[str] = []
    take_turns({name: lambda name=name: order.append(name) for name in "abc"}, 2)
    assert "".join(order) == "cbaabccbaabc"


def test_a_ratio_is_of_pairs_so_that_a_slow_minute_counts_for_both() -> None:
    slow_half = Turns({"ours": [1.0, 1.0, 9.0, 9.0], "other": [2.0, 2.0, 18.0, 18.0]})
    assert slow_half.ratio("ours", "other").median == 0.5


def test_the_work_of_a_layer_is_counted_by_hand() -> None:
    layer, x = nn.Linear(30, 20), torch.randn(8, 30)
    with torch.no_grad():
        work = count(lambda: layer(x))
    assert work == Work(flops=2 * 8 * 30 * 20, bytes=4 * (30 * 20 + 20 + 8 * 30 + 8 * 20), launches=1)


def test_what_is_made_inside_does_not_cross_the_border() -> None:
    x = torch.randn(100)
    assert count(lambda: (x + 1).mul_(2).sum()) == Work(flops=0, bytes=4 * (100 + 1), launches=3)


def test_what_is_changed_is_read_and_written() -> None:
    x, y = torch.randn(100), torch.randn(100)

    def change() -> None:
        x.add_(y)

    assert count(change) == Work(flops=0, bytes=4 * (100 + 100 + 100), launches=1)


def test_the_resource_that_needs_longest_binds() -> None:
    given = Machine(flops=1e9, bytes=1e9, launch=1e-6)
    for work, binds, seconds in (
        (Work(10**9, 10, 10), "arithmetic", 1.0),
        (Work(10, 10**8, 10), "memory", 0.1),
        (Work(10, 10, 1000), "launches", 1e-3),
    ):
        limit = given.limit(work)
        assert (limit.binds, limit.seconds) == (binds, pytest.approx(seconds))


def test_a_machine_has_speeds() -> None:
    found = machine(torch.device("cpu"))
    assert found.flops > 1e9
    assert found.bytes > 1e8
    assert 1e-8 < found.launch < 1e-3
    assert isinstance(found.limit(Work(1, 1, 1)), Limit)
