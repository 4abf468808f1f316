"""Pictures: what is where on the page."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from infogan.app.pictures import FRAME, Panel, draw, label, sample_panel, save_animation, side_by_side, to_pixels
from infogan.model.infogan import Traversal


def test_pixels_are_the_images_from_black_to_white():
    assert to_pixels(torch.tensor([-1.0, 0.0, 1.0, 3.0])).tolist() == [0, 128, 255, 255]


def test_every_image_is_on_the_page_once():
    shades = torch.linspace(-0.9, 0.6, 6).reshape(2, 3, 1, 1, 1).expand(2, 3, 1, 28, 28)
    page = np.asarray(draw([Panel("shades", shades, ["a", "b", "c"])]).convert("L"))
    for shade in to_pixels(torch.linspace(-0.9, 0.6, 6)).tolist():
        assert (page == shade).sum() >= 56 * 56


def test_a_page_has_a_panel_below_the_other():
    panel = Panel("one", torch.zeros(1, 4, 1, 28, 28))
    one, two = draw([panel]), draw([panel, panel])
    assert two.width == one.width
    assert two.height > 1.8 * one.height


def test_colour_images_keep_their_colour():
    red = torch.tensor([1.0, -1.0, -1.0]).reshape(1, 1, 3, 1, 1).expand(1, 1, 3, 64, 64)
    page = np.asarray(draw([Panel("red", red)]))
    assert ((page == [255, 0, 0]).all(axis=2)).sum() == 64 * 64


def test_rgba_images_lie_on_a_checkerboard():
    red = torch.tensor([1.0, -1.0, -1.0, 1.0]).reshape(1, 1, 4, 1, 1).expand(1, 1, 4, 64, 64).clone()
    red[..., 3, :, 32:] = -1
    page = np.asarray(draw([Panel("red", red)]))
    assert (page == [255, 0, 0]).all(axis=2).sum() == 64 * 32
    assert (page == [204, 204, 204]).all(axis=2).sum() == pytest.approx(64 * 32 / 2, abs=9), "half, and some ink"


def test_captions_stand_below_the_title_and_move_the_images_down():
    images = torch.zeros(1, 1, 1, 64, 64)
    plain, captioned = draw([Panel("p", images)]), draw([Panel("p", images, caption=["one", "two"])])
    pixels = [np.asarray(page.convert("L")) for page in (plain, captioned)]
    assert captioned.height > plain.height
    assert (pixels[0][-80:] == pixels[1][-80:, : plain.width]).all()
    assert (pixels[1] < 100).sum() > (pixels[0] < 100).sum(), "ink"


def test_a_frame_stands_around_each_image_that_has_one():
    white = torch.ones(2, 2, 1, 64, 64)
    plain, framed = (np.asarray(draw([Panel("white", white, framed=n)]).convert("L")) for n in (0, 3))
    assert (plain == FRAME[0]).sum() < 50, "ink alone"
    assert abs((framed == FRAME[0]).sum() - (plain == FRAME[0]).sum() - 3 * 4 * 65) < 20


def test_panels_stand_beside_one_another():
    shades = [torch.full((1, 1, 1, 64, 64), shade) for shade in (-1.0, 0.0)]
    page = np.asarray(draw([side_by_side([Panel("p", shade) for shade in shades])]).convert("L"))
    black, gray = ((page == value).sum(axis=0) >= 64 for value in (0, 128))
    assert black.sum() == gray.sum() == 64
    assert black.nonzero()[0].max() < gray.nonzero()[0].min()


def test_samples_fill_rows_and_the_rest_stays_paper():
    panel = sample_panel(torch.full((13, 1, 8, 8), -1.0), [""] * 13, "thirteen")
    assert panel.images.shape[:2] == (2, 10)
    assert (panel.images == -1).flatten(2).all(dim=2).sum() == 13


def test_samples_in_one_row_carry_their_labels():
    panel = sample_panel(torch.zeros(3, 1, 8, 8), ["0", "1", "2"], "digit")
    assert list(panel.column_labels) == ["0", "1", "2"]


def test_labels_are_short():
    assert [label(v) for v in (3, "cup", 0.5, -1.0, 123.4, [0.25, 1.0])] == ["3", "cup", "0.5", "-1", "123", "0.25, 1"]


def test_an_animation_goes_there_and_back(tmp_path):
    shades = torch.linspace(-1, 1, 4).reshape(1, 4, 1, 1, 1).expand(1, 4, 1, 28, 28)
    save_animation([Traversal("shade", [0, 1, 2, 3], shades)], tmp_path / "walk.gif")
    with Image.open(tmp_path / "walk.gif") as film:
        assert film.n_frames == 6
