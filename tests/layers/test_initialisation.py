"""Where weights begin."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from infogan.layers.initialisation import initialise


@pytest.mark.parametrize("truncated", [True, False])
def test_weights_begin_small_scales_near_one_and_biases_at_zero(truncated: bool) -> None:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = initialise(
            nn.Sequential(nn.Linear(200, 300), nn.BatchNorm1d(300), nn.Conv2d(30, 40, 4)), truncated=truncated
        )
    dense, norm, convolution = network
    # A normal law cut off at two standard deviations has 0.774 of its variance left.
    std = 0.02 * math.sqrt(0.774) if truncated else 0.02
    for layer in (dense, convolution):
        assert layer.weight.std().item() == pytest.approx(std, rel=0.02)
        assert (layer.weight.abs().max().item() <= 0.04) is truncated
        assert not layer.bias.any()
    assert norm.weight.mean().item() == pytest.approx(1, abs=0.005)
    assert norm.weight.std().item() == pytest.approx(0.02, rel=0.15)
    assert not norm.bias.any()


def test_a_layer_without_bias_keeps_none() -> None:
    assert initialise(nn.Linear(2, 2, bias=False)).bias is None
