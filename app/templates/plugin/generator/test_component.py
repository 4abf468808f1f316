"""The generator keeps infogan's contract for several settings, and makes pictures of any size."""

import pytest
import torch
from infogan import ImageShape
from infogan.testing import check_generator

from infogan_plugin_name import PluginNameRole


@pytest.mark.parametrize("hidden", [16, 64])
def test_keeps_the_contract(hidden):
    check_generator(PluginNameRole(hidden=hidden))


def test_makes_pictures_of_any_size():
    network = PluginNameRole(hidden=8).build(5, ImageShape(channels=3, height=7, width=11))
    assert network(torch.randn(2, 5)).shape == (2, 3, 7, 11)
