"""The body keeps infogan's contract for several settings, and says which pictures are too small."""

import pytest
from infogan import ImageShape
from infogan.testing import check_body

from infogan_plugin_name import PluginNameRole


@pytest.mark.parametrize("hidden", [16, 64])
def test_keeps_the_contract(hidden):
    check_body(PluginNameRole(hidden=hidden))


def test_says_which_pictures_are_too_small():
    with pytest.raises(ValueError, match="at least 4x4 pixels, not 1x3x8"):
        PluginNameRole().build(ImageShape(channels=1, height=3, width=8))
