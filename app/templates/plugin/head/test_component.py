"""The head keeps infogan's contract for several settings, and does not mind how large features are."""

import pytest
import torch
from infogan.testing import check_head

from infogan_plugin_name import PluginNameRole


@pytest.mark.parametrize("hidden", [4, 128])
def test_keeps_the_contract(hidden):
    check_head(PluginNameRole(hidden=hidden))


def test_size_of_the_features_does_not_matter():
    network, features = PluginNameRole().build(16, 3), torch.randn(5, 16)
    torch.testing.assert_close(network(features), network(100 * features), rtol=1e-3, atol=1e-3)
