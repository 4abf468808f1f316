"""The same function eager, compiled, or captured as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

MODES = ("eager", "compiled", "graph")


def captured(function: Callable[[], Any]) -> Callable[[], Any]:
    """A CUDA graph of a function of no arguments; what it returned lies where it lay at the capture."""
    side_stream = torch.cuda.Stream()
    side_stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side_stream):
        for _ in range(3):
            function()
    torch.cuda.current_stream().wait_stream(side_stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = function()

    def replay() -> Any:
        graph.replay()
        return result

    return replay


def in_mode(function: Callable[[torch.Tensor], Any], mode: str, example: torch.Tensor) -> Callable[[torch.Tensor], Any]:
    """``function`` of one tensor in a mode; all tensors have the shape of ``example``."""
    if mode == "compiled":
        torch._dynamo.reset()  # else the cases before this one count against its limit of compilations
        return torch.compile(function, dynamic=False)
    if mode == "graph":
        given = example.clone()
        replay = captured(lambda: function(given))

        def run(images: torch.Tensor) -> Any:
            given.copy_(images)
            return replay()

        return run
    return function
