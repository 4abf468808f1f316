"""The idea of the library, from end to end: a code that is asked for can be read off the picture again."""

from __future__ import annotations

import math

import pytest
import torch

import infogan

SHORT = ["training.steps=800", "model.losses.information.warmup=0", "data.n=8000"]


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> infogan.InfoGAN:
    """The sprites recipe, trained for a third of its steps, with the information at full weight at once."""
    return infogan.train(infogan.read_run("sprites", SHORT), tmp_path_factory.mktemp("idea") / "run")


def test_forty_five_degrees_and_back(model):
    """G is fed (0.707, 0.707), and Q answers near it, so near 45 degrees, and says how sure it is."""
    latent = model.draw(64, seed=0, angle="45deg")
    fed = model.latents.split(latent)[1]["angle"]
    torch.testing.assert_close(fed, torch.full((64, 2), math.sqrt(0.5)))
    answer = model.infer(model.generate(latent))["angle"]
    assert (answer.value.mean(dim=0) - fed[0]).norm() < 0.3
    assert answer.confidence.mean() > 0.5
    assert answer.law["concentration"].mean() > 2


def test_any_angle_is_read_back_from_one_picture_at_a_time(model):
    asked = torch.rand(200, generator=torch.Generator().manual_seed(1)) * 360
    pictures = model.sample(200, seed=1, angle=asked)
    answers = torch.tensor([model.infer(picture[None])["angle"].guess[0] for picture in pictures])
    off = ((answers - asked + 180) % 360 - 180).abs()
    assert off.mean() <= 15


def test_an_edit_turns_the_angle_and_leaves_the_rest(model):
    pictures = model.sample(16, seed=2, angle=0)
    edit = model.edit(pictures, angle=90)
    answer = torch.tensor(model.infer(edit.images)["angle"].guess)
    assert ((answer - 90 + 180) % 360 - 180).abs().mean() < 30
    assert edit.error.mean() < 0.4
    before, after = (model.latents.split(latent)[1] for latent in (model.draw(16, seed=2, angle=0), edit.latent))
    assert (before["shape"].argmax(dim=1) == after["shape"].argmax(dim=1)).float().mean() >= 0.75
