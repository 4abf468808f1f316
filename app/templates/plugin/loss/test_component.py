"""The term keeps infogan's contract, and is the mean square that it says it is."""

from types import SimpleNamespace

import torch
from infogan.testing import check_loss

from infogan_plugin_name import PluginNameRole


def test_keeps_the_contract():
    check_loss(PluginNameRole())


def test_is_the_mean_square_of_logits_of_real_pictures():
    view = SimpleNamespace(real_logit=torch.tensor([3.0, -1.0]), fake_logit=torch.tensor([100.0, 100.0]))
    assert PluginNameRole().d_loss(view).item() == 5
    assert PluginNameRole().g_loss(view) is None
