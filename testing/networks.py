"""The contract of the parts with weights: generator, body, head."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ..core.component import Component
from ..core.network import Body, Generator, Head, ImageShape
from ..model.discriminator import Discriminator
from .common import check_options, check_tensor, no_error, require, seeded

__tracebackhide__ = True  # pytest shows an author's own frames, and not these

USUAL_IMAGES = tuple(
    ImageShape(channels=channels, height=size, width=size) for size in (28, 32, 64, 128, 256) for channels in (1, 3)
)
"""Shapes of which a network is expected to take at least one, where its check names none."""

ODD_IMAGE = ImageShape(channels=2, height=5, width=7)
"""A shape that hardly any network takes."""


def check_generator(generator: Generator, image: ImageShape | None = None, *, latent_width: int = 12) -> None:
    """The contract of a generator: shapes, range, gradients, meta device, other sizes.

    Args:
        generator: What to check.
        image: A shape that it makes; absent: the first of the usual ones that it takes.
        latent_width: Width of its input.
    """
    check_options(generator)
    low, high = _range(generator)

    def build(shape: ImageShape) -> nn.Module:
        return generator.build(latent_width, shape)

    image = image or _first_taken(generator, build)
    network = _check_build(generator, lambda: build(image))
    latent = torch.randn(4, latent_width, generator=seeded(0))
    _check_network(generator, network, latent, image.dims, shaped=f"build was asked for pictures of {image}")
    _check_state(generator, network, lambda: build(image), latent)
    wild = network(100 * latent).detach()
    require(
        low - 1e-4 <= float(wild.min()) and float(wild.max()) <= high + 1e-4,
        generator,
        f"its pictures reach from {float(wild.min()):.3g} to {float(wild.max()):.3g}, and its range is "
        f"[{low}, {high}]; the last activation has to bound them",
    )
    middle = (low + high) / 2
    require(
        float(wild.min()) < middle < float(wild.max()),
        generator,
        f"its pictures lie between {float(wild.min()):.3g} and {float(wild.max()):.3g}, on one side of the middle of "
        f"its range [{low}, {high}]; does range say what the last activation bounds them to?",
    )
    _check_other_shapes(generator, build, lambda shape: (latent_width,), lambda shape: shape.dims)
    with torch.device("meta"):
        wider = generator.build(latent_width + 3, image)
        _check_shape(generator, "for another latent width", wider, (2, latent_width + 3), image.dims)


def check_body(body: Body, image: ImageShape | None = None) -> None:
    """The contract of a body: shapes, gradients, meta device, other sizes, both domains of the fused pass.

    Args:
        body: What to check.
        image: A shape that it reads; absent: the first of the usual ones that it takes.
    """
    check_options(body)
    features = body.features
    require(isinstance(features, int) and features >= 1, body, f"features has to be at least 1, not {features!r}")
    image = image or _first_taken(body, body.build)
    network = _check_build(body, lambda: body.build(image))
    pictures = torch.rand(4, *image.dims, generator=seeded(0)) * 2 - 1
    _check_network(body, network, pictures, (features,), shaped="does the property features say what build makes?")
    _check_state(body, network, lambda: body.build(image), pictures)
    _check_channels_last(body, image)
    discriminator = Discriminator(network, nn.Linear(features, 1), nn.Linear(features, 3)).train()
    outputs = discriminator(pictures, "both")
    check_tensor(body, "D's logit on its features", outputs.logit.detach(), (4,))
    check_tensor(body, "Q's parameters on its features", outputs.params.detach(), (2, 3))
    _check_other_shapes(body, body.build, lambda shape: shape.dims, lambda shape: (features,))


def check_head(head: Head, *, features: int = 16) -> None:
    """The contract of a head: shapes for several numbers of parameters, gradients, meta device."""
    check_options(head)
    read = torch.randn(4, features, generator=seeded(0))
    network = _check_build(head, lambda: head.build(features, 5))
    _check_network(head, network, read, (5,), shaped="build(features, n_params) makes n_params columns")
    _check_state(head, network, lambda: head.build(features, 5), read)
    for wide, n_params in ((features, 1), (features + 3, 14)):
        with torch.device("meta"):
            what = f"for {wide} features and {n_params} parameters"
            _check_shape(head, what, head.build(wide, n_params), (2, wide), (n_params,))


def _range(generator: Generator) -> tuple[float, float]:
    given = generator.range
    right = isinstance(given, tuple) and len(given) == 2 and given[0] < given[1]
    require(right, generator, f"range has to be (lowest, highest) pixel value, such as (0.0, 1.0), not {given!r}")
    return given


def _takes(build: Callable[[ImageShape], nn.Module], image: ImageShape) -> bool:
    try:
        with torch.device("meta"):
            build(image)
    except ValueError:
        return False
    return True


def _first_taken(component: Component, build: Callable[[ImageShape], nn.Module]) -> ImageShape:
    for image in USUAL_IMAGES:
        if _takes(build, image):
            return image
    shapes = ", ".join(map(str, USUAL_IMAGES))
    raise AssertionError(f"{type(component).__name__}: takes none of {shapes}; tell the check its `image`")


def _check_build(component: Component, build: Callable[[], nn.Module]) -> nn.Module:
    """Build is seeded by torch's global state alone, gives new weights each time, and works on the meta device."""
    with torch.device("meta"):
        on_meta = build()
    astray = [name for name, tensor in on_meta.state_dict().items() if not tensor.is_meta]
    require(not astray, component, f"built on the meta device, {astray} are not there; do not name a device in build")
    with torch.random.fork_rng(devices=[]):
        networks = []
        for _ in range(2):
            torch.manual_seed(0)
            networks.append(build())
    first, second = (dict(network.state_dict()) for network in networks)
    require(
        first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first),
        component,
        "two networks built after the same torch.manual_seed differ; is something else random in build?",
    )
    apart = all(a is not b for a, b in zip(*(network.modules() for network in networks), strict=True))
    require(apart, component, "build gives the same module twice; it has to make a new one each time")
    return networks[0]


def _check_network(
    component: Component, network: nn.Module, given: Tensor, expected: tuple[int, ...], *, shaped: str
) -> None:
    """Shapes in training and in evaluation, independence of neighbours in evaluation, gradients, bfloat16."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)  # what dropout draws from
        _check_training(component, network.train(), given, expected, shaped=shaped)
        moved = _moved(component, network)
        _check_every_weight_matters(component, moved, given)
        _check_input_matters(component, moved.eval(), given)
        _check_bfloat16(component, network, given, expected)
        _check_evaluation(component, network.eval(), given, expected)
    network.train()


def _check_training(
    component: Component, network: nn.Module, given: Tensor, expected: tuple[int, ...], *, shaped: str
) -> None:
    """Two inputs give two outputs of the right shape, and a gradient reaches every weight."""
    leaf = given.clone().requires_grad_()
    what = "its output in training mode for a batch of 2"
    with no_error(component, f"in training mode, an input of {(2, *given.shape[1:])}", "follow the shapes in build"):
        answer = network(leaf[:2])
    out = check_tensor(component, what, answer, (2, *expected), shaped=shaped, finite="what overflows in it?")
    (out * torch.randn(out.shape, generator=seeded(3))).sum().backward()
    unreached = [name for name, weight in network.named_parameters() if weight.grad is None]
    require(not unreached, component, f"no gradient reaches {', '.join(unreached)}; is it used, and never detached?")
    network.zero_grad(set_to_none=True)


def _moved(component: Component, network: nn.Module) -> nn.Module:
    """A copy, as training makes some, away from the initial weights, of which some may be 0 on purpose."""
    advice = "take weight_norm and spectral_norm from torch.nn.utils.parametrizations, and keep no tensor from a pass"
    with no_error(component, "copy.deepcopy of it after a pass", advice):
        moved = copy.deepcopy(network)
    with torch.no_grad():
        for weight in moved.parameters():
            weight.add_(torch.randn(weight.shape, generator=seeded(7)), alpha=0.05)
    return moved


def _check_every_weight_matters(component: Component, moved: nn.Module, given: Tensor) -> None:
    """No weight's gradient is 0 throughout."""
    out = moved(given)
    (out * torch.randn(out.shape, generator=seeded(8))).sum().backward()
    dead = [name for name, weight in moved.named_parameters() if weight.grad is None or not weight.grad.any()]
    require(
        not dead,
        component,
        f"the gradient of {', '.join(dead)} is always 0; is it multiplied by 0, rounded or compared?",
    )


def _check_bfloat16(component: Component, network: nn.Module, given: Tensor, expected: tuple[int, ...]) -> None:
    """``training.precision: bf16`` puts its inner products into bfloat16 by autocast."""
    advice = "under autocast one operand is bfloat16; bring both to one dtype, or compute that step in float()"
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16), no_error(component, "precision bf16", advice):
        out = network(given[:2])
    require(tuple(out.shape) == (2, *expected), component, f"in bf16 its output is of shape {tuple(out.shape)}")
    require(
        bool(out.isfinite().all()),
        component,
        "in bf16 its output has values that are not finite; does it cast to half, whose largest number is 65504?",
    )


def _check_evaluation(component: Component, network: nn.Module, given: Tensor, expected: tuple[int, ...]) -> None:
    """In evaluation mode it is a function of each input alone, and nothing in it changes."""
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    with torch.no_grad():
        with no_error(component, "in evaluation mode, a batch of 1", "does it use statistics of the batch there?"):
            alone = network(given[:1])
        together = check_tensor(component, "its output in evaluation mode", network(given), (len(given), *expected))
        again = network(given)
    check_tensor(component, "its output for a batch of 1", alone, (1, *expected))
    require(
        torch.equal(together, again),
        component,
        "in evaluation mode two answers to the same input differ; give dropout, or noise, training=self.training",
    )
    changed = [name for name, buffer in network.named_buffers() if not torch.equal(buffer, before[name])]
    require(
        not changed, component, f"in evaluation mode it changes {', '.join(changed)}; that is for training mode alone"
    )
    require(
        torch.allclose(alone, together[:1], rtol=1e-3, atol=1e-4),
        component,
        "in evaluation mode its answer for one input alone differs from that in a batch; "
        "does it use statistics of the batch there?",
    )


def _check_state(component: Component, network: nn.Module, build: Callable[[], nn.Module], given: Tensor) -> None:
    """What a network is lies in its state: a new one that is given the state gives the same answers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        other = build()
    other.load_state_dict(network.state_dict())
    with torch.no_grad():
        same = torch.allclose(network.eval()(given), other.eval()(given), rtol=1e-4, atol=1e-5)
    network.train()
    require(
        same,
        component,
        "a new network with the state of the first gives other answers; keep every tensor that is not made of the "
        "options as an nn.Parameter or by register_buffer, so that a saved model has it",
    )


def _check_channels_last(body: Body, image: ImageShape) -> None:
    """Pictures may lie in memory with their channels last, which GPUs like; that changes no answer.

    Of pictures with one channel both orders are the same, so that a body that takes no others has passed.
    """
    coloured = next(
        (shape for shape in (image, *USUAL_IMAGES) if shape.channels > 1 and _takes(body.build, shape)), None
    )
    if coloured is None:
        return
    with torch.random.fork_rng(devices=[]):
        network = body.build(coloured).eval()
    pictures = torch.rand(2, *coloured.dims, generator=seeded(9)) * 2 - 1
    turned = pictures.contiguous(memory_format=torch.channels_last)
    with torch.no_grad(), no_error(body, "pictures whose channels lie last", "use reshape or flatten, not view"):
        same = torch.allclose(network(turned), network(pictures), rtol=1e-3, atol=1e-4)
    require(same, body, "its answer for pictures whose channels lie last in memory is another")


def _check_input_matters(component: Component, network: nn.Module, given: Tensor) -> None:
    """Some gradient of the output reaches every column of a flat input, in evaluation mode: dropout may leave one out.

    Of a picture, every channel.
    """
    leaf = given.clone().requires_grad_()
    out = network(leaf)
    (gradient,) = torch.autograd.grad((out * torch.randn(out.shape, generator=seeded(4))).sum(), [leaf])
    ignored = [i for i in range(given.shape[1]) if not gradient[:, i].any()]
    require(not ignored, component, f"its output does not depend on columns {ignored} of its input")


def _check_shape(
    component: Component, what: str, network: nn.Module, given: Sequence[int], expected: tuple[int, ...]
) -> None:
    """On the meta device, where nothing is allocated."""
    got = tuple(network(torch.empty(*given, device="meta")).shape)
    require(got == (2, *expected), component, f"{what} its output has to be {(2, *expected)}, not {got}")


def _check_other_shapes(
    component: Component,
    build: Callable[[ImageShape], nn.Module],
    given: Callable[[ImageShape], tuple[int, ...]],
    expected: Callable[[ImageShape], tuple[int, ...]],
) -> None:
    """A shape of picture is either right or refused by build with a ValueError."""
    for image in (*USUAL_IMAGES, ODD_IMAGE):
        with torch.device("meta"):
            try:
                network = build(image)
            except ValueError:
                continue
            except Exception as error:  # whatever an author's code lets out, it has to become a ValueError
                require(False, component, f"build for {image} raises {type(error).__name__}; it has to be a ValueError")
            try:
                got = tuple(network(torch.empty(2, *given(image))).shape)
            except Exception as error:  # as above: the size was taken, and is then not worked with
                require(False, component, f"build takes {image}, but has to raise ValueError, for then: {error}")
        right = (2, *expected(image))
        require(got == right, component, f"for {image} it makes {got} and not {right}; raise ValueError in build")
