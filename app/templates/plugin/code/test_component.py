"""The code keeps infogan's contract for several settings, and is the law that it says it is."""

import math

import pytest
import torch
from infogan.testing import check_code

from infogan_plugin_name import PluginNameRole


@pytest.mark.parametrize("cut", [0.5, 2.0, 4.0])
def test_keeps_the_contract(cut):
    def below(x):
        """The share of the law that lies below x: what its draws are held to."""
        return 0.5 + torch.erf(x / math.sqrt(2)) / (2 * math.erf(cut / math.sqrt(2)))

    check_code(PluginNameRole(cut=cut), reference=below)


def test_ends_where_it_is_cut():
    values = PluginNameRole(cut=1.0).sample(10_000, generator=torch.Generator().manual_seed(0))
    assert values.abs().max() <= 1
    assert values.std().item() == pytest.approx(0.5397, abs=0.01)  # of a normal law cut at one
