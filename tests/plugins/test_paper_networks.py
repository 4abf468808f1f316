"""The paper's tables 2, 3, 4 and 6: layers, parameters, sizes, and the layers of the chairs that keep the size."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

from infogan import Body, Generator, ImageShape
from infogan.plugins.chairs import ChairsBody, ChairsGenerator
from infogan.plugins.faces import FacesBody, FacesGenerator
from infogan.plugins.heads import Linear, Mlp
from infogan.plugins.svhn import SvhnBody, SvhnGenerator

IMAGES = {
    "svhn": ImageShape(channels=3, height=32, width=32),
    "faces": ImageShape(channels=1, height=32, width=32),
    "chairs": ImageShape(channels=1, height=64, width=64),
}
GENERATORS: list[Generator] = [SvhnGenerator(), FacesGenerator(), ChairsGenerator()]
BODIES: list[Body] = [SvhnBody(), FacesBody(), ChairsBody()]


def described(network: nn.Module) -> str:
    """The layers in the words of the paper's tables, separated by semicolons."""
    words: list[str] = []
    for layer in network.modules():
        match layer:
            case nn.Linear():
                words.append(f"FC {layer.out_features}")
            case nn.Conv2d() | nn.ConvTranspose2d():
                assert layer.kernel_size == (4, 4)
                assert layer.bias is not None
                kind = "up" if isinstance(layer, nn.ConvTranspose2d) else "conv"
                words.append(f"{kind} {layer.out_channels} stride {layer.stride[0]}")
            case nn.BatchNorm1d() | nn.BatchNorm2d():
                words.append("BN")
            case nn.LeakyReLU():
                words.append(f"lReLU {layer.negative_slope}")
            case nn.ReLU() | nn.Tanh() | nn.Sigmoid():
                words.append(type(layer).__name__)
    return "; ".join(words)


@pytest.mark.parametrize(
    ("generator", "layers"),
    [
        (
            SvhnGenerator(),
            "FC 1792; BN; ReLU; up 256 stride 2; BN; ReLU; up 128 stride 2; ReLU; up 64 stride 2; ReLU; "
            "up 3 stride 2; Tanh",
        ),
        (
            FacesGenerator(),
            "FC 1024; BN; ReLU; FC 8192; BN; ReLU; up 64 stride 2; BN; ReLU; up 1 stride 2; Sigmoid",
        ),
        (
            ChairsGenerator(),
            "FC 1024; BN; ReLU; FC 16384; BN; ReLU; conv 256 stride 1; BN; ReLU; conv 256 stride 1; BN; ReLU; "
            "up 128 stride 2; BN; ReLU; up 64 stride 2; BN; ReLU; up 1 stride 2; Sigmoid",
        ),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_generator_has_the_layers_of_its_table(generator: Generator, layers: str) -> None:
    with torch.device("meta"):
        assert described(generator.build(100, IMAGES[generator.kind])) == layers


@pytest.mark.parametrize(
    ("body", "layers"),
    [
        (
            SvhnBody(),
            "conv 64 stride 2; lReLU 0.1; conv 128 stride 2; BN; lReLU 0.1; conv 256 stride 2; BN; lReLU 0.1",
        ),
        (
            FacesBody(leak=0.2),
            "conv 64 stride 2; lReLU 0.2; conv 128 stride 2; BN; lReLU 0.2; FC 1024; BN; lReLU 0.2",
        ),
        (
            ChairsBody(),
            "conv 64 stride 2; lReLU 0.1; conv 128 stride 2; BN; lReLU 0.1; conv 256 stride 2; BN; lReLU 0.1; "
            "conv 256 stride 1; BN; lReLU 0.1; conv 256 stride 1; BN; lReLU 0.1; FC 1024; BN; lReLU 0.1",
        ),
    ],
    ids=lambda value: getattr(value, "kind", ""),
)
def test_a_body_has_the_layers_of_its_table(body: Body, layers: str) -> None:
    with torch.device("meta"):
        assert described(body.build(IMAGES[body.kind])) == layers


def count(*networks: nn.Module) -> int:
    return sum(weight.numel() for network in networks for weight in network.parameters())


@pytest.mark.parametrize(
    ("generator", "latent_width", "parameters"),
    [
        pytest.param(SvhnGenerator(), 124 + 4 * 10 + 4, 2_800_835, id="SVHN"),
        pytest.param(SvhnGenerator(), 128 + 10 * 10, 2_908_355, id="CelebA"),
        pytest.param(FacesGenerator(), 128 + 5, 8_684_737, id="faces"),
        pytest.param(ChairsGenerator(), 128 + 3 * 20 + 1, 19_778_625, id="chairs"),
    ],
)
def test_a_generator_has_the_parameters_of_the_paper(generator: Generator, latent_width: int, parameters: int) -> None:
    with torch.device("meta"):
        assert count(generator.build(latent_width, IMAGES[generator.kind])) == parameters


@pytest.mark.parametrize(
    ("body", "head", "n_params", "parameters"),
    [
        pytest.param(SvhnBody(), Mlp(), 4 * 10 + 4 * 2, 1_194_609, id="SVHN"),
        pytest.param(SvhnBody(), Mlp(), 10 * 10, 1_201_317, id="CelebA"),
        pytest.param(FacesBody(), Linear(), 5 * 2, 8_535_499, id="faces"),
        pytest.param(ChairsBody(), Linear(), 3 * 20 + 2, 19_601_151, id="chairs"),
    ],
)
def test_d_and_q_have_the_parameters_of_the_paper(
    body: Body, head: Linear | Mlp, n_params: int, parameters: int
) -> None:
    """Q emits a logit for each value of a categorical code, mean and standard deviation for a continuous one."""
    with torch.device("meta"):
        d_head, q_head = nn.Linear(body.features, 1), head.build(body.features, n_params)
        assert count(body.build(IMAGES[body.kind]), d_head, q_head) == parameters


@pytest.mark.parametrize("part", [*GENERATORS, *BODIES], ids=lambda part: f"{part.role} {part.kind}")
@pytest.mark.parametrize(("height", "width"), [(28, 28), (32, 64), (64, 32), (128, 128)])
def test_another_size_of_picture_is_refused(part: Generator | Body, height: int, width: int) -> None:
    side = IMAGES[part.kind].height
    wrong = ImageShape(channels=IMAGES[part.kind].channels, height=height, width=width)
    with pytest.raises(
        ValueError, match=f"the {part.kind} networks are for {side}x{side} pictures, not {height}x{width}"
    ):
        part.build(10, wrong) if isinstance(part, Generator) else part.build(wrong)


def size_keepers(network: nn.Module) -> list[nn.Sequential]:
    """The convolutions with a padding before them, on the CPU, in double precision, with weights and no biases."""
    layers = list(network.modules())
    found = [nn.Sequential(*pair) for pair in pairwise(layers) if isinstance(pair[0], nn.ZeroPad2d)]
    for number, layer in enumerate(found):
        layer.to_empty(device="cpu").double().requires_grad_(False)
        layer[1].weight.copy_(drawn(*layer[1].weight.shape, seed=number))
        layer[1].bias.zero_()
    return found


def drawn(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


with torch.device("meta"):
    CHAIRS_BODY, CHAIRS_GENERATOR = ChairsBody().build(IMAGES["chairs"]), ChairsGenerator().build(189, IMAGES["chairs"])
KEEP_SIZE, KEEP_SIZE_TRANSPOSED = size_keepers(CHAIRS_BODY), size_keepers(CHAIRS_GENERATOR)


def test_two_layers_of_the_chairs_keep_the_size_in_either_network() -> None:
    assert len(KEEP_SIZE) == len(KEEP_SIZE_TRANSPOSED) == 2
    for layer in (*KEEP_SIZE, *KEEP_SIZE_TRANSPOSED):
        for side in (8, 5):
            assert layer(drawn(1, 256, side, side, seed=0)).shape == (1, 256, side, side)


def test_the_body_keeps_the_size_as_the_authors_framework_does() -> None:
    """y[i, j] = sum over k, l of w[k, l] . x[i + k - 1, j + l - 1], 0 beyond the border."""
    x = drawn(1, 256, 8, 8, seed=1)
    for layer in KEEP_SIZE:
        w = layer[1].weight[:3]
        expected = torch.zeros(3, 8, 8, dtype=torch.float64)
        for i in range(8):
            for j in range(8):
                for k in range(4):
                    for m in range(4):
                        if 0 <= i + k - 1 < 8 and 0 <= j + m - 1 < 8:
                            expected[:, i, j] += w[:, :, k, m] @ x[0, :, i + k - 1, j + m - 1]
        torch.testing.assert_close(layer(x)[0, :3], expected)


def test_the_generator_keeps_the_size_by_the_transposed_map() -> None:
    """<C x, y> = <x, C' y> for the body's C and the generator's C' of the same weights: the definition of C'.

    A convolution counts them from the other end, and from output to input.
    """
    x, y = drawn(2, 256, 8, 8, seed=1), drawn(2, 256, 8, 8, seed=2)
    for convolution, transposed in zip(KEEP_SIZE, KEEP_SIZE_TRANSPOSED, strict=True):
        transposed[1].weight.copy_(convolution[1].weight.transpose(0, 1).flip(2, 3))
        torch.testing.assert_close((convolution(x) * y).sum(), (x * transposed(y)).sum())
