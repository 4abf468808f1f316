"""fp32 means fp32, on a GPU too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from infogan.training.precision import Precision, inner_products

MATRIX: Any = torch.backends.cuda.matmul
CONVOLUTION: Any = torch.backends.cudnn


@pytest.fixture(autouse=True)
def torch_as_it_was() -> Iterator[None]:
    yield
    MATRIX.fp32_precision = "none"
    torch.set_float32_matmul_precision("highest")  # what torch begins with
    CONVOLUTION.allow_tf32 = True


@pytest.mark.parametrize(("precision", "allowed"), [("fp32", False), ("tf32", True), ("bf16", False)])
@pytest.mark.parametrize("before", [(False, True), (True, False)])
def test_tf32_is_used_where_it_is_asked_for_and_nowhere_else(
    precision: Precision, allowed: bool, before: tuple[bool, bool]
) -> None:
    MATRIX.allow_tf32, CONVOLUTION.allow_tf32 = before
    with inner_products(precision):
        assert (MATRIX.allow_tf32, CONVOLUTION.allow_tf32) == (allowed, allowed)
    assert (MATRIX.allow_tf32, CONVOLUTION.allow_tf32) == before


@pytest.mark.parametrize("before", ["highest", "high", "medium"])
def test_a_programs_own_precision_comes_back(before: str) -> None:
    torch.set_float32_matmul_precision(before)
    with inner_products("fp32"):
        assert torch.get_float32_matmul_precision() == "highest"
    assert torch.get_float32_matmul_precision() == before


def test_a_run_that_fails_leaves_torch_as_it_was() -> None:
    def fail() -> None:
        with inner_products("tf32"):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (MATRIX.allow_tf32, CONVOLUTION.allow_tf32) == (False, True)


def test_a_program_that_used_the_newer_switches_keeps_its_choice() -> None:
    MATRIX.fp32_precision = "tf32"
    with inner_products("fp32"):
        assert MATRIX.fp32_precision == "tf32"
    assert MATRIX.fp32_precision == "tf32"
