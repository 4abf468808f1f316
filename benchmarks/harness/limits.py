"""How fast a machine could be: what a piece of work needs, over what the machine was measured to give."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from .clock import now
from .modes import captured

SILENT = frozenset(
    f"aten::{name}" for name in ("detach", "empty", "empty_like", "empty_strided", "new_empty", "_unsafe_view")
)
"""Operations that launch nothing, beside views."""


@dataclass(frozen=True)
class Work:
    """What a function does, at the least."""

    flops: int
    """Floating-point operations of its inner products."""
    bytes: int
    """Each tensor from outside read once, each one that it changes or returns written once."""
    launches: int
    """Operations that compute something; one kernel each, unless a compiler fuses them."""


@dataclass(frozen=True)
class Machine:
    """What one device gives, measured."""

    flops: float
    """Of a large matrix product, per second."""
    bytes: float
    """Read and written by a large copy, per second."""
    launch: float
    """Seconds of an operation on one number."""

    def limit(self, work: Work) -> Limit:
        """The least time for some work."""
        return Limit(work.flops / self.flops, work.bytes / self.bytes, work.launches * self.launch)


@dataclass(frozen=True)
class Limit:
    """The least seconds that each resource needs; the largest binds."""

    arithmetic: float
    memory: float
    launches: float

    @property
    def binds(self) -> str:
        """The resource that needs longest."""
        needs: dict[str, float] = asdict(self)
        return max(needs, key=needs.__getitem__)

    @property
    def seconds(self) -> float:
        """What it needs."""
        return max(asdict(self).values())


class _Counter(TorchDispatchMode):
    """Counts what crosses the border of a function, and what is launched in it."""

    def __init__(self) -> None:
        super().__init__()
        self.made: set[int] = set()
        self.read: dict[int, int] = {}
        self.written: dict[int, int] = {}
        self.launches = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        given = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        result = func(*args, **kwargs)
        name = func.overloadpacket._qualified_op_name
        if func.is_view or name in SILENT or name.startswith("profiler::"):
            return result
        self.launches += 1
        changed = [a.alias_info is not None and a.alias_info.is_write for a in func._schema.arguments]
        writes = {_where(leaf) for a, c in zip(args, changed, strict=False) if c for leaf in tree_leaves(a)}
        for tensor in given:
            where = _where(tensor)
            if where not in self.made:
                self.read[where] = max(self.read.get(where, 0), tensor.nbytes)
                if where in writes:
                    self.written[where] = max(self.written.get(where, 0), tensor.nbytes)
        self.made |= {_where(leaf) for leaf in tree_leaves(result) if isinstance(leaf, Tensor)} - self.read.keys()
        return result


def _where(tensor: Any) -> int:
    return tensor.untyped_storage().data_ptr() if isinstance(tensor, Tensor) else 0


def count(function: Callable[[], Any]) -> Work:
    """Run a function once and count its work."""
    with FlopCounterMode(display=False) as arithmetic, _Counter() as traffic:
        result = function()
    returned = sum(leaf.nbytes for leaf in tree_leaves(result) if isinstance(leaf, Tensor))
    moved = sum(traffic.read.values()) + sum(traffic.written.values()) + returned
    return Work(arithmetic.get_total_flops(), moved, traffic.launches)


def emulates_bf16(device: torch.device) -> bool:
    """Whether a matrix product in bf16 is emulated, as on a CPU without AVX-512: a hundred times as slow as in fp32."""
    return device.type == "cpu" and torch.backends.cpu.get_cpu_capability() in ("DEFAULT", "AVX2")


@cache
def machine(device: torch.device, precision: str = "fp32", *, graph: bool = False) -> Machine:
    """Measure a device, at its best. ``graph``: launches as nodes of a CUDA graph.

    The memory is the large one behind the caches: weights that stay in a cache can be read faster.
    """
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    size = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    product = torch.empty(size, size, device=device, dtype=dtype)
    source = torch.empty(2**28 if device.type == "cuda" else 2**26, dtype=torch.uint8, device=device)
    target, number = torch.empty_like(source), torch.zeros((), device=device)

    def launches() -> None:
        for _ in range(100):
            number.add_(1)

    return Machine(
        flops=2 * size**3 / _least(lambda: torch.mm(a, b, out=product)),
        bytes=2 * source.nbytes / _least(lambda: target.copy_(source)),
        launch=_least(captured(launches) if graph else launches) / 100,
    )


def _least(function: Callable[[], object], turns: int = 9) -> float:
    function()
    seconds = []
    for _ in range(turns):
        start = now()
        function()
        seconds.append(now() - start)
    return min(seconds)
