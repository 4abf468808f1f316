"""The noise keeps infogan's contract, and lies on its sphere."""

import pytest
import torch
from infogan.testing import check_noise

from infogan_plugin_name import PluginNameRole


@pytest.mark.parametrize("size", [2, 64])
def test_keeps_the_contract(size):
    check_noise(PluginNameRole(size=size))


def test_every_draw_and_the_way_between_lie_on_the_sphere():
    noise = PluginNameRole(size=16)
    start, end = noise.sample(10), noise.sample(10)
    for vectors in (start, noise.between(start, end, torch.full((10, 1), 0.3))):
        torch.testing.assert_close(vectors.norm(dim=1), torch.full((10,), 4.0))
