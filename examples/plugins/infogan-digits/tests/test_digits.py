"""The networks, the data and the recipe keep infogan's contract, and are what they say."""

import infogan_digits
import pytest
import torch
from infogan_digits import Digits, DigitsBody, DigitsGenerator
from sklearn.datasets import load_digits

from infogan import ImageShape
from infogan.testing import check_body, check_generator, check_plugin

IMAGE = ImageShape(channels=1, height=8, width=8)


def test_is_a_plugin():
    registry = check_plugin(infogan_digits, "infogan-digits", apart=[DigitsGenerator, DigitsBody])
    assert registry.find("data", "digits") is Digits
    assert "digits" in registry.recipes


def test_the_networks_keep_the_contract():
    check_generator(DigitsGenerator(), IMAGE)
    check_body(DigitsBody(), IMAGE)
    check_body(DigitsBody(leak=0.0), IMAGE)


@pytest.mark.parametrize("component", [DigitsGenerator(), DigitsBody()])
def test_other_sizes_are_refused(component):
    sizes = {"latent_width": 28} if component.role == "generator" else {}
    with pytest.raises(ValueError, match="the digits networks are for 8x8 pictures, not 28x28"):
        component.build(**sizes, image=ImageShape(channels=1, height=28, width=28))


def test_the_splits_are_all_the_digits_and_share_none():
    found = load_digits()
    train, test = (Digits().load(split) for split in ("train", "test"))
    assert (len(train), len(test)) == (1437, 360)
    grays = torch.cat([train.pixels, test.pixels]).flatten(1).double() * 16 / 255
    labels = torch.cat([train.factors["digit"], test.factors["digit"]])
    rows = torch.cat([grays.round(), labels[:, None]], dim=1).long().tolist()
    whole = torch.cat([torch.from_numpy(found.data), torch.from_numpy(found.target)[:, None]], dim=1).long().tolist()
    assert sorted(rows) == sorted(whole)
    assert test.factors["digit"].bincount(minlength=10).min() > 20


def test_black_is_0_and_white_255():
    pixels = Digits().load("train").pixels
    assert (int(pixels.min()), int(pixels.max())) == (0, 255)
    assert len(pixels.unique()) == 17
