"""Parts that are right although they are unusual: the contract has nothing against them, whatever the random state."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from infogan import Head
from infogan.plugins.codes import Categorical
from infogan.testing import check_code, check_head
from infogan.testing.codes import DRAWS
from infogan.testing.common import seeded
from infogan.testing.draws import check_independence


class DropsItsInput(Head):
    """Half of the features at a time, so that a column may reach none of a few rows."""

    kind: Literal["drops"] = "drops"

    def build(self, features: int, n_params: int) -> nn.Module:
        return nn.Sequential(nn.Dropout(0.5), nn.Linear(features, n_params))


class BeginsAtZero(Head):
    """Its last layer is 0 until it has learnt something."""

    kind: Literal["zero"] = "zero"

    def build(self, features: int, n_params: int) -> nn.Module:
        last = nn.Linear(features, n_params)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        return nn.Sequential(nn.Linear(features, features), nn.Tanh(), last)


@pytest.mark.parametrize("head", [DropsItsInput(), BeginsAtZero()], ids=lambda head: head.kind)
def test_a_head_whatever_the_global_random_state(head: Head) -> None:
    for seed in range(8):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            check_head(head)


@pytest.mark.parametrize("n", [100, 1000])
def test_a_code_of_hundreds_of_columns(n: int) -> None:
    check_code(Categorical(n=n))


def test_rare_values_that_follow_each_other_by_chance_are_no_pattern() -> None:
    draws = Categorical(n=2000).sample(DRAWS, generator=seeded(1))
    check_independence(Categorical(n=2000), draws)


def test_rare_values_that_always_follow_each_other_are_one() -> None:
    class InRuns(Categorical):
        """Each draw ten times."""

        def sample(self, n: int, **options: object) -> Tensor:
            return super().sample((n + 9) // 10, generator=seeded(1)).repeat_interleave(10, dim=0)[:n]

    with pytest.raises(AssertionError, match=r"column 0 of a draw tells of the next one \(correlation 0.89"):
        check_independence(InRuns(n=100), InRuns(n=100).sample(DRAWS))
