"""What a user waits for before anything is learnt."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest
from harness.clock import now, take_turns

import infogan
from infogan import Registry

PLUGIN = """
from typing import ClassVar, Literal
from infogan import Code, hookimpl

class Kind{i}(Code):
    kind: Literal["kind{i}"] = "kind{i}"
    width = n_params = property(lambda self: 1)
    entropy = property(lambda self: 0.0)
    def sample(self, n, *, generator=None, device=None): ...
    def log_prob(self, params, value): ...
    def grid(self, steps): ...

@hookimpl
def infogan_components():
    return [Kind{i}]
"""


def python(*arguments: str) -> str:
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout


@pytest.mark.benchmark(group="startup", timer=now)
def test_help(benchmark):
    """In a process of its own, and without torch."""
    command = "import sys; sys.argv = ['infogan', '--help']; from infogan.app.command_line import app; app()"
    assert "train" in benchmark.pedantic(python, args=("-c", command), rounds=7, warmup_rounds=1)
    loaded = python("-c", command.replace("app()", "app(standalone_mode=False); print('torch' in sys.modules)"))
    assert loaded.splitlines()[-1] == "False"
    assert benchmark.stats.stats.median < 1.0


@pytest.mark.benchmark(group="startup", timer=now)
def test_import(benchmark, turns):
    """Beside torch alone: the bare import, which loads no torch, and every public name."""
    ways = {
        "import infogan": lambda: python("-c", "import infogan"),
        "every public name": lambda: python("-c", "import infogan; [getattr(infogan, n) for n in infogan.__all__]"),
        "import torch": lambda: python("-c", "import torch"),
    }
    measured = take_turns(ways, turns // 2)
    ratios = {way: measured.ratio(way, "import torch") for way in list(ways)[:2]}
    benchmark.extra_info["ratios"] = {f"{way} / import torch": vars(ratio) for way, ratio in ratios.items()}
    benchmark.pedantic(ways["every public name"], rounds=2)
    assert ratios["import infogan"].median < 0.1
    assert ratios["every public name"].median < 1.5


@pytest.mark.benchmark(group="startup", timer=now)
def test_spec_to_model(benchmark):
    """Text read and checked, the model tried out on the meta device and built."""
    model = benchmark(lambda: infogan.build(infogan.read_run("mnist").model))
    assert sum(weight.numel() for weight in model.parameters()) > 13e6
    assert benchmark.stats.stats.median < 1.0


@pytest.mark.benchmark(group="startup", timer=now)
def test_fifty_plugins(benchmark, tmp_path, monkeypatch):
    """Beside what their modules take to be imported."""
    for i in range(50):
        (tmp_path / f"plugin_{i}.py").write_text(PLUGIN.format(i=i))
        metadata = tmp_path / f"plugin_{i}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: plugin-{i}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[infogan]\nkind{i} = plugin_{i}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    start = time.perf_counter()
    for i in range(50):
        __import__(f"plugin_{i}")
    own = time.perf_counter() - start

    def load() -> int:
        return len([plugin for plugin in Registry().plugins if plugin.distribution.startswith("plugin-")])

    assert benchmark(load) == 50
    benchmark.extra_info["own_imports"] = own
    assert benchmark.stats.stats.min < 0.1  # the least of the rounds, as a busy neighbour only adds
