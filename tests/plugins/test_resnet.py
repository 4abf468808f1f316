"""Residual networks for any size and number of channels."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from infogan import ImageShape
from infogan.plugins.resnet import ResnetBody, ResnetGenerator
from infogan.testing import check_body, check_generator

ANY = [
    ImageShape(channels=channels, height=height, width=width)
    for channels, height, width in ((1, 28, 28), (3, 48, 64), (1, 45, 37), (4, 64, 64), (2, 8, 9), (1, 9, 40))
]
RGB32 = ImageShape(channels=3, height=32, width=32)


@pytest.mark.parametrize("image", ANY, ids=str)
def test_a_generator_makes_pictures_of_any_size(image: ImageShape) -> None:
    check_generator(ResnetGenerator(width=8), image)


@pytest.mark.parametrize("image", ANY, ids=str)
def test_a_body_reads_pictures_of_any_size(image: ImageShape) -> None:
    check_body(ResnetBody(width=8, norm="none"), image)


def on_meta(part: ResnetGenerator | ResnetBody, image: ImageShape) -> nn.Module:
    with torch.device("meta"):
        return part.build(128, image) if isinstance(part, ResnetGenerator) else part.build(image)


def count(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def test_at_32x32_the_networks_are_those_of_table_4() -> None:
    def conv(before: int, after: int, side: int) -> int:
        return (before * side**2 + 1) * after

    block = 2 * conv(256, 256, 3) + conv(256, 256, 1) + 2 * 2 * 256
    assert count(on_meta(ResnetGenerator(), RGB32)) == 129 * 4096 + 3 * block + 2 * 256 + conv(256, 3, 3)
    first = conv(3, 128, 3) + conv(128, 128, 3) + conv(3, 128, 1)
    others = 3 * 2 * conv(128, 128, 3) + conv(128, 128, 1)
    for norm in ("spectral", "none"):
        assert count(on_meta(ResnetBody(norm=norm), RGB32)) == first + others
    assert f"{count(on_meta(ResnetGenerator(), RGB32)):,} parameters" in str(ResnetGenerator.__doc__)
    assert f"{count(on_meta(ResnetBody(), RGB32)):,} parameters" in str(ResnetBody.__doc__)


def levels(network: nn.Module, given: tuple[int, ...]) -> list[tuple[int, ...]]:
    """What each residual block makes of one input."""
    made: list[tuple[int, ...]] = []
    for layer in network.modules():
        if type(layer).__name__ == "_Residual":
            layer.register_forward_hook(lambda module, _, out: made.append(tuple(out.shape[1:])))
    network.eval()(torch.empty(2, *given, device="meta"))
    return made


def test_beyond_32x32_each_level_more_has_half_the_maps() -> None:
    image = ImageShape(channels=3, height=128, width=130)
    generator = levels(on_meta(ResnetGenerator(width=64), image), (128,))
    assert generator == [(64, 8, 10), (64, 16, 20), (64, 32, 40), (32, 64, 80), (16, 128, 160)]
    body = levels(on_meta(ResnetBody(width=64), image), image.dims)
    assert body == [(16, 64, 65), (32, 32, 33), (64, 16, 17), (64, 8, 9), (64, 8, 9), (64, 8, 9)]


def test_every_pixel_is_made_and_read() -> None:
    """Neither the crop nor the rounding of odd sides leaves out an edge."""
    image = ImageShape(channels=1, height=45, width=37)
    generator, body = ResnetGenerator(width=8).build(3, image), ResnetBody(width=8).build(image)
    assert (generator(torch.randn(8, 3)).std(dim=0) > 0).all()
    pixels = torch.rand(4, *image.dims, requires_grad=True)
    (gradient,) = torch.autograd.grad((body(pixels) * torch.randn(4, 8)).sum(), pixels)
    assert (gradient.abs().sum(dim=0) > 0).all()


def test_the_shortcuts_are_a_convolution_and_a_change_of_size_in_either_order() -> None:
    """What the paper's blocks do in one order is done in the cheaper one."""
    x = torch.randn(2, 8, 8, 8, dtype=torch.float64)

    def both_orders(shortcut: nn.Module) -> tuple[Tensor, Tensor]:
        first, second = shortcut.double()
        return second(first(x)), first(second(x))

    up = ResnetGenerator(width=8).build(3, ImageShape(channels=1, height=8, width=8))[2]
    down = ResnetBody(width=8, norm="none").build(ImageShape(channels=8, height=16, width=16))[0]
    for block in (up, down):
        assert torch.allclose(*both_orders(block.shortcut), atol=1e-12)


def test_weights_begin_by_glorots_law() -> None:
    """Uniform of variance 2 gain^2 / (inputs + outputs), with a gain of sqrt 2 within blocks, biases 0."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        body = ResnetBody(width=64, norm="none").build(RGB32)
    plain, shortcut = body[2].way[1], body[1].shortcut[1]
    assert isinstance(plain, nn.Conv2d)
    assert plain.weight.abs().max().item() == pytest.approx(math.sqrt(2 * 6 / (9 * 128)), rel=0.01)
    assert shortcut.weight.abs().max().item() == pytest.approx(math.sqrt(6 / 128), rel=0.01)
    assert not any(layer.bias.any() for layer in body.modules() if isinstance(layer, nn.Conv2d))


def test_a_fresh_generator_makes_different_pictures_of_different_latents() -> None:
    """Through weights of 0.02 hardly anything of the latent would arrive."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        generator = ResnetGenerator(width=16).build(10, RGB32)
    assert generator(torch.randn(32, 10)).std(dim=0).mean() > 0.05


@pytest.mark.parametrize(("height", "width"), [(7, 32), (1, 64)])
def test_sides_too_short_to_be_halved_are_refused(height: int, width: int) -> None:
    image = ImageShape(channels=1, height=height, width=width)
    for build in (lambda: ResnetGenerator().build(10, image), lambda: ResnetBody().build(image)):
        with pytest.raises(ValueError, match=f"sides of at least 8 pixels, not {height}x{width}"):
            build()
