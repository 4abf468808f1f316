"""The data keep infogan's contract for several settings, and show what their factors say."""

import pytest
import torch
from infogan.testing import check_data

from infogan_plugin_name import PluginNameRole


@pytest.mark.parametrize("side", [8, 32])
def test_keep_the_contract(side):
    check_data(PluginNameRole(n=100, side=side))


def test_show_what_their_factors_say():
    (disc, ring) = PluginNameRole(side=64).drawn(torch.tensor([0, 1]), *torch.tensor([[0.5] * 2, [0.0] * 2, [0.4] * 2]))
    assert disc[0, 32, 48] == 255  # the centre, at x = 0.5
    assert ring[0, 32, 48] == 0
    assert ring[0, 32, 48 + 10] == 255  # within the ring: 0.3 from the centre, of 32 pixels to 1
    assert disc[0, 32, 16] == 0
