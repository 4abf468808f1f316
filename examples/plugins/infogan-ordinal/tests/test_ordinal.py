"""The code keeps infogan's contract, and is the law that it says it is."""

import infogan_ordinal
import pytest
import torch
from infogan_ordinal import Ordinal

from infogan.testing import check_code, check_plugin


@pytest.mark.parametrize("levels", [2, 3, 5, 40])
def test_keeps_the_contract(levels):
    check_code(Ordinal(levels=levels))


def test_is_a_plugin():
    registry = check_plugin(infogan_ordinal, "infogan-ordinal", examples=[Ordinal(levels=4)])
    assert registry.find("code", "ordinal") is Ordinal


def test_level_is_a_thermometer():
    assert Ordinal(levels=5).encode([0, 3, 4]).tolist() == [[0, 0, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]


def test_probabilities_are_differences_of_sigmoids():
    params = torch.tensor([[0.7, -0.3, 1.2]], dtype=torch.float64)
    steps = torch.nn.functional.softplus(params[0, 1:])
    above = torch.sigmoid(torch.stack([params[0, 0], params[0, 0] - steps[0], params[0, 0] - steps.sum()]))
    expected = -torch.diff(above, prepend=above.new_ones(1), append=above.new_zeros(1))
    code = Ordinal(levels=4)
    found = torch.cat([code.log_prob(params, level.unsqueeze(0)) for level in code.grid(4).double()]).exp()
    torch.testing.assert_close(found, expected)
