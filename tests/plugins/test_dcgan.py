"""DCGAN for any size and number of channels."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from infogan import ImageShape
from infogan.plugins.dcgan import DcganBody, DcganGenerator
from infogan.testing import check_body, check_generator

ANY = [
    ImageShape(channels=channels, height=height, width=width)
    for channels, height, width in (
        (1, 28, 28),
        (3, 32, 32),
        (3, 48, 64),
        (1, 45, 37),
        (4, 64, 64),
        (2, 8, 9),
        (1, 9, 130),
    )
]


@pytest.mark.parametrize("image", ANY, ids=str)
def test_a_generator_makes_pictures_of_any_size(image: ImageShape) -> None:
    check_generator(DcganGenerator(width=4), image)


@pytest.mark.parametrize("image", ANY, ids=str)
def test_a_body_reads_pictures_of_any_size(image: ImageShape) -> None:
    check_body(DcganBody(width=4, hidden=24), image)


def shapes(network: nn.Module, given: tuple[int, ...]) -> list[tuple[int, ...]]:
    """What each linear or convolutional layer makes of one input."""
    made: list[tuple[int, ...]] = []
    for layer in network.modules():
        if isinstance(layer, nn.Linear | nn.Conv2d | nn.ConvTranspose2d):
            layer.register_forward_hook(lambda module, _, out: made.append(tuple(out.shape[1:])))
    network.eval()(torch.empty(2, *given, device="meta"))
    return made


def on_meta(part: DcganGenerator | DcganBody, image: ImageShape) -> nn.Module:
    with torch.device("meta"):
        return part.build(100, image) if isinstance(part, DcganGenerator) else part.build(image)


def test_at_64x64_the_generator_is_that_of_the_paper() -> None:
    """Its figure 1: 1024 maps of 4x4, then 512, 256, 128, and the picture."""
    image = ImageShape(channels=3, height=64, width=64)
    levels = [(512, 8, 8), (256, 16, 16), (128, 32, 32), (3, 64, 64)]
    assert shapes(on_meta(DcganGenerator(width=128), image), (100,)) == [(1024 * 4 * 4,), *levels]


def test_at_28x28_the_networks_have_two_levels() -> None:
    image = ImageShape(channels=1, height=28, width=28)
    generator, body = on_meta(DcganGenerator(width=32), image), on_meta(DcganBody(width=32, hidden=256), image)
    assert shapes(generator, (100,)) == [(64 * 7 * 7,), (32, 14, 14), (1, 28, 28)]
    assert shapes(body, image.dims) == [(32, 14, 14), (64, 7, 7), (256,)]


def test_maps_double_up_to_eight_times_the_width() -> None:
    image = ImageShape(channels=3, height=256, width=300)
    body = shapes(on_meta(DcganBody(width=2, hidden=5), image), image.dims)
    assert body == [(2, 128, 150), (4, 64, 75), (8, 32, 37), (16, 16, 18), (16, 8, 9), (16, 4, 4), (5,)]
    generator = shapes(on_meta(DcganGenerator(width=2), image), (100,))
    assert generator == [
        (16 * 4 * 5,),
        (16, 8, 10),
        (16, 16, 20),
        (8, 32, 40),
        (4, 64, 80),
        (2, 128, 160),
        (3, 256, 320),
    ]


def test_every_pixel_is_made_and_read() -> None:
    """Neither the crop nor the rounding of odd sides leaves out an edge."""
    image = ImageShape(channels=1, height=45, width=37)
    generator, body = DcganGenerator(width=2).build(3, image), DcganBody(width=2, hidden=8).build(image)
    made = generator(torch.randn(8, 3))
    assert (made.std(dim=0) > 0).all()
    pixels = torch.rand(4, *image.dims, requires_grad=True)
    (gradient,) = torch.autograd.grad((body(pixels) * torch.randn(4, 8)).sum(), pixels)
    assert (gradient.abs().sum(dim=0) > 0).all()


@pytest.mark.parametrize(("height", "width"), [(7, 32), (1, 64), (64, 5)])
def test_sides_too_short_to_be_halved_are_refused(height: int, width: int) -> None:
    image = ImageShape(channels=1, height=height, width=width)
    for build in (lambda: DcganGenerator().build(10, image), lambda: DcganBody().build(image)):
        with pytest.raises(ValueError, match=f"sides of at least 8 pixels, not {height}x{width}"):
            build()


def test_with_spectral_norm_no_layer_stretches_anything_by_more_than_one() -> None:
    body = DcganBody(width=4, hidden=8, norm="spectral").build(ImageShape(channels=1, height=16, width=16))
    for _ in range(300):
        body(torch.rand(2, 1, 16, 16))
    layers = [layer for layer in body.eval() if hasattr(layer, "weight")]
    assert len(layers) == 3
    for layer in layers:
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() == pytest.approx(1, abs=0.01)


def test_only_batch_norm_reads_the_neighbours() -> None:
    image = ImageShape(channels=1, height=16, width=16)
    norms = {
        norm: DcganBody(width=4, hidden=8, norm=norm).build(image)
        for norm in ("batch", "spatial_batch", "spectral", "none")
    }
    kinds = {norm: [type(layer).__name__ for layer in body] for norm, body in norms.items()}
    assert [kind for kind in kinds["batch"] if "Norm" in kind] == ["BatchNorm2d", "BatchNorm1d"]
    assert [kind for kind in kinds["spatial_batch"] if "Norm" in kind] == ["BatchNorm2d"]
    assert kinds["batch"][:2] == ["Conv2d", "LeakyReLU"], "none in the first layer"
    assert not any("Norm" in kind for norm in ("spectral", "none") for kind in kinds[norm])


@pytest.mark.parametrize("norm", ["batch", "spatial_batch", "spectral", "none"])
def test_only_batch_norm_in_the_last_layer_hides_from_the_heads_what_all_pictures_of_a_batch_have_in_common(
    norm: str,
) -> None:
    """Brighter pictures have brighter features, but where a batch norm sets their mean over the batch to its bias."""
    body = DcganBody.model_validate({"width": 4, "hidden": 8, "norm": norm}).build(
        ImageShape(channels=1, height=16, width=16)
    )
    read = body.train()[:-1]  # type: ignore[index]
    pictures = 0.6 * torch.rand(32, 1, 16, 16)
    before, brighter = read(pictures), read(pictures + 0.4)
    shift = (brighter - before).mean(dim=0).norm() / before.std(dim=0).norm()
    assert shift < 1e-4 if norm == "batch" else shift > 0.1, "beside how far the pictures differ"
