"""What a number format means for a GPU's matrix products and convolutions."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import torch

Precision = Literal["fp32", "tf32", "bf16"]
"""``fp32``: IEEE single precision everywhere. ``tf32``: its inner products with 10 bits of mantissa, on GPUs that
have them. ``bf16``: the networks in bfloat16 by autocast, with losses, weights and moments in fp32."""


@contextmanager
def inner_products(precision: Precision) -> Iterator[None]:
    """Let a GPU use TF32 where, and only where, ``precision`` says so; afterwards all is as before.

    By itself torch uses TF32 in convolutions and not in matrix products, which is neither. Its newer
    switches, called ``fp32_precision``, are left alone: once they are used `torch.compile` fails, up to
    torch 2.14. A program that has used them keeps its own choice.
    """
    convolution: Any = torch.backends.cudnn
    try:
        before = torch.get_float32_matmul_precision(), convolution.allow_tf32
    except RuntimeError:  # the newer switches have been used, and then the older ones cannot be read
        yield
        return
    torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    convolution.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before[0])
        convolution.allow_tf32 = before[1]
