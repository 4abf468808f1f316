"""A built InfoGAN: draw pictures by named codes, read the codes back, change them in a picture."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

import torch
from pydantic import ValidationError
from torch import Tensor, nn

from .. import registry as registry_module
from ..core.latent import Latents
from ..core.messages import short
from ..files.storage import StorageError, read_manifest, read_tensors, write_folder
from .build import PartError, dry_run, networks
from .card import card
from .discriminator import Discriminator
from .fold import FoldedDiscriminator, folded
from .spec import ModelSpec
from .traverse import interpolate, walk

MANIFEST = "model.json"
"""The file that makes a folder a model folder."""

CHUNK = 256
"""Pictures that go through a network at once outside training. More gain nothing on a CPU: what is larger than
32 MB is asked of the system anew each time (docs/benchmarks.md)."""


@dataclass(frozen=True)
class Posterior:
    """What Q says of one code for a batch of pictures."""

    guess: list[Any]
    """The most likely value, as a person writes it; one entry per picture."""
    confidence: Tensor
    """How sure Q is, ``(batch,)`` in [0, 1]; see `Code.confidence`."""
    law: dict[str, Tensor]
    """The posterior's parameters by name (probabilities; mean and std; ...), ``batch`` first."""
    value: Tensor
    """The most likely value as the generator would see it, ``(batch, width)``."""
    log_likelihood: Tensor
    """log Q(guess | x) in nats, ``(batch,)``."""


@dataclass(frozen=True)
class Traversal:
    """Pictures of one code walked over its dial while all else stands still."""

    code: str
    """The code's name."""
    values: list[Any]
    """The code's value in each column."""
    images: Tensor
    """``(rows, k, channels, height, width)`` in [-1, 1]; each row has noise and other codes of its own."""


@dataclass(frozen=True)
class Edit:
    """Pictures with some codes changed."""

    images: Tensor
    """The changed pictures, ``(batch, channels, height, width)`` in [-1, 1]."""
    reconstruction: Tensor
    """What the model makes of the given pictures before any change; same shape."""
    error: Tensor
    """Root mean square difference of the reconstruction from the given pictures, ``(batch,)`` in [0, 2]."""
    latent: Tensor
    """What ``images`` were generated from, ``(batch, latent_width)``."""


class InfoGAN(nn.Module):
    """A generator, and a discriminator with Q's head, with the names of their codes.

    Pictures go in and come out in [-1, 1], whatever the networks use inside. The public methods run
    in evaluation mode, so that a picture's answer does not depend on its neighbours.
    """

    def __init__(self, spec: ModelSpec, generator: nn.Module, discriminator: Discriminator) -> None:
        super().__init__()
        self.spec = spec
        self.latents: Latents = spec.latents
        self.generator = generator
        self.discriminator = discriminator

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    def frozen(self) -> Frozen:
        """A faster copy for inference: the same answers up to rounding, and no further training.

        >>> from infogan import build, read_run
        >>> model = build(read_run("sprites").model)
        >>> model.frozen().sample(2, seed=0).shape
        torch.Size([2, 1, 32, 32])
        """
        return Frozen(self)

    def draw(self, n: int, *, seed: int | None = None, noise: Any = None, **codes: Any) -> Tensor:
        """Latents for `generate`, ``(n, latent_width)``; arguments as for `sample`."""
        if n < 0:
            raise ValueError(f"n has to be at least 0, not {n}")
        seed = int(torch.randint(2**62, ())) if seed is None else seed
        latent = self.latents.sample(n, generator=torch.Generator().manual_seed(seed))
        drawn_noise, values = self.latents.split(latent)
        for name, value in codes.items():
            values[name] = self.latents.encode(name, value, n)
        if noise is not None:
            drawn_noise = self._noise(noise, n)
        return self.latents.join(drawn_noise, values).to(self.device)

    def _noise(self, noise: Any, n: int) -> Tensor:
        width = self.latents.noise.width
        wanted = f"noise has to be ({width},) or ({n}, {width}) finite numbers"
        try:
            vectors = torch.as_tensor(noise, dtype=torch.float32).cpu()
        except (TypeError, ValueError, RuntimeError) as error:
            raise ValueError(f"{wanted}: {error}") from None
        if tuple(vectors.shape) not in ((width,), (n, width)) or not vectors.isfinite().all():
            raise ValueError(f"{wanted}, not {tuple(vectors.shape)}")
        return vectors.expand(n, width)

    def generate(self, latent: Tensor) -> Tensor:
        """Latents ``(n, latent_width)`` to pictures ``(n, channels, height, width)`` in [-1, 1]."""
        with self._evaluating():
            chunks = [self.generator(chunk) for chunk in latent.to(self.device).split(CHUNK)]
        return self._to_public(torch.cat(chunks))

    def sample(self, n: int, *, seed: int | None = None, noise: Any = None, **codes: Any) -> Tensor:
        """``n`` pictures, ``(n, channels, height, width)`` in [-1, 1].

        Codes are named, and take what a person writes: one value for all pictures, or a sequence with
        one value per picture. Codes that are not named, and the noise, are drawn from their priors.

        Args:
            n: How many.
            seed: Makes the draw repeatable; None draws from torch's global generator.
            noise: Holds the noise fixed: one vector ``(width,)`` for all, or ``(n, width)``.
            **codes: ``digit=3``, ``angle="45deg"``, ``slant=[-1, 0, 1]``.

        Raises ValueError for an unknown code or a value that it cannot have.
        """
        return self.generate(self.draw(n, seed=seed, noise=noise, **codes))

    def infer(self, images: Tensor, *, domain: Literal["real", "fake"] = "fake") -> dict[str, Posterior]:
        """Read each code off pictures, ``(batch, channels, height, width)`` in [-1, 1].

        The answer for a picture is the same whether it comes alone or in a batch. ``domain`` says
        whose batch norm statistics to use: those of generated pictures, on which Q was trained, or
        those of real ones.
        """
        params = self.read(images, domain=domain)
        return {name: self._posterior(name, p) for name, p in self.latents.split_params(params).items()}

    def read(self, images: Tensor, *, domain: Literal["real", "fake"] = "fake") -> Tensor:
        """What Q emits for pictures, ``(batch, n_params)``: `infer` before it is put into words."""
        self._check_images(images)
        if domain not in ("real", "fake"):
            raise ValueError(f"domain has to be 'real' or 'fake', not {domain!r}")
        with self._evaluating():
            chunks = self._to_network(images.to(self.device)).split(CHUNK)
            return torch.cat([self.discriminator(chunk, domain).params for chunk in chunks])

    def _posterior(self, name: str, params: Tensor) -> Posterior:
        code = self.latents.codes[name]
        value = code.mode(params)
        return Posterior(
            guess=code.decode(value),
            confidence=code.confidence(params),
            law=code.law(params),
            value=value,
            log_likelihood=code.log_prob(params, value),
        )

    def edit(self, images: Tensor, *, noise: Any = None, fit_steps: int = 300, seed: int = 0, **codes: Any) -> Edit:
        """Change the named codes of pictures, ``(batch, channels, height, width)`` in [-1, 1].

        The codes are inferred. The noise, which Q never recovers, is fitted: from the best of 64 draws
        per picture Adam descends the squared difference for ``fit_steps`` steps; ``noise`` skips the
        fit. Then the named codes are changed and the pictures generated anew.

        Look at ``error``: where the reconstruction is poor, the edit is one of another picture.
        """
        read = {name: posterior.value for name, posterior in self.infer(images).items()}
        changed = {**read, **{name: self.latents.encode(name, v, len(images)) for name, v in codes.items()}}
        changed = {name: value.to(self.device) for name, value in changed.items()}
        vectors = self._fit(images, read, fit_steps, seed) if noise is None else self._noise(noise, len(images))
        vectors = vectors.to(self.device)
        reconstruction = self.generate(self.latents.join(vectors, read))
        error = (reconstruction - images.to(self.device)).square().flatten(1).mean(dim=1).sqrt()
        latent = self.latents.join(vectors, changed)
        return Edit(self.generate(latent), reconstruction, error, latent)

    def _fit(self, images: Tensor, codes: Mapping[str, Tensor], steps: int, seed: int) -> Tensor:
        """The noise ``(batch, width)`` that brings ``images`` back best, found by descent."""
        target = self._to_network(images.to(self.device))
        noise = self._best_draw(target, codes, seed).requires_grad_()
        optimizer = torch.optim.Adam([noise], lr=0.05)
        with self._evaluating(inference=False):
            for _ in range(steps):
                made = self.generator(self.latents.join(noise, codes))
                loss = (made - target).square().flatten(1).mean(dim=1).sum()
                (noise.grad,) = torch.autograd.grad(loss, [noise])
                optimizer.step()
        return noise.detach()

    def _best_draw(self, target: Tensor, codes: Mapping[str, Tensor], seed: int, draws: int = 64) -> Tensor:
        prior = self.latents.noise
        tries = prior.sample(draws, generator=torch.Generator().manual_seed(seed)).to(self.device)
        best = []
        with self._evaluating():
            for i in range(len(target)):
                of_one = {name: value[i].expand(draws, -1) for name, value in codes.items()}
                made = self.generator(self.latents.join(tries, of_one))
                best.append(tries[(made - target[i]).square().flatten(1).mean(dim=1).argmin()])
        return torch.stack(best).clone() if best else tries[:0].clone()

    def traverse(
        self,
        code: str,
        steps: int = 10,
        *,
        rows: int = 5,
        seed: int = 0,
        low: float | None = None,
        high: float | None = None,
    ) -> Traversal:
        """Walk one code over its dial, ``steps`` positions (every value of a code with few).

        ``low`` and ``high``, which go together, walk a continuous code of one number between them instead,
        also beyond the range that it was trained on: -2 to 2 in the paper's figure 2.
        """
        if steps < 1 or rows < 1:
            raise ValueError(f"steps and rows have to be at least 1, not {steps} and {rows}")
        dial = self._dial(code, steps, low, high)
        base = self.latents.sample(rows, generator=torch.Generator().manual_seed(seed))
        latent = walk(self.latents, code, base, dial)
        images = self.generate(latent.flatten(0, 1)).unflatten(0, latent.shape[:2])
        return Traversal(code, self.latents.code(code).decode(dial), images)

    def _dial(self, name: str, steps: int, low: float | None, high: float | None) -> Tensor:
        code = self.latents.code(name)
        if low is None and high is None:
            return code.grid(steps)
        if low is None or high is None:
            raise ValueError("a range has both ends, low and high")
        try:
            return code.span(low, high, steps)
        except ValueError as error:
            raise ValueError(f"code {name!r}: {error}") from None

    def interpolate(self, stops: Tensor, steps: int = 8, *, codes: Collection[str] = ()) -> Tensor:
        """Pictures on the way from one latent to the next, ``stops`` ``(k, latent_width)`` as from `draw`.

        Each leg has ``steps`` pictures with both of its ends, so that there are ``(k - 1) (steps - 1) + 1``.
        The noise goes the way that its prior calls for. Codes stay what they are at the first stop, but for
        the named ones, which go theirs: a number in a straight line, an angle along the shorter arc, and a
        discrete code changes half way.

        >>> from infogan import build, read_run
        >>> model = build(read_run("sprites").model)
        >>> model.interpolate(model.draw(2, seed=0), 8, codes=["angle"]).shape
        torch.Size([8, 1, 32, 32])
        """
        return self.generate(interpolate(self.latents, stops, steps, codes))

    def save(self, folder: str | Path) -> None:
        """Write a model folder: ``model.json``, ``weights.safetensors`` and a ``README.md`` card.

        An older model folder of that name is replaced as a whole; any other content is refused.
        """
        spec = self.spec.model_dump(mode="json")
        data = {"spec": spec, "provided_by": self._providers()}
        write_folder(Path(folder), MANIFEST, data, self.state_dict(), README=card(self.spec))

    def _providers(self) -> dict[str, str]:
        """Which distribution each part came from, for whoever lacks it."""
        spec = self.spec
        parts = {"noise": spec.noise, "generator": spec.generator, "body": spec.body, "head": spec.head}
        parts |= {f"codes.{name}": code for name, code in spec.codes.items()}
        parts |= {f"losses.{name}": term for name, term in spec.losses.items()}
        parts |= {"q_body": spec.q_body} if spec.q_body is not None else {}
        providers = {key: registry_module.default().provider(type(part)) for key, part in parts.items()}
        return {key: plugin.distribution for key, plugin in providers.items() if plugin is not None}

    @contextmanager
    def _evaluating(self, *, inference: bool = True) -> Iterator[None]:
        """Evaluation mode, and no gradients unless one is asked for; afterwards all is as before."""
        modes = [(module, module.training) for module in self.modules()]
        self.eval()
        try:
            with torch.no_grad() if inference else torch.enable_grad():
                yield
        finally:
            for module, mode in modes:
                module.training = mode

    def _to_public(self, images: Tensor) -> Tensor:
        low, high = self.spec.generator.range
        return (images - low) * (2 / (high - low)) - 1

    def _to_network(self, images: Tensor) -> Tensor:
        low, high = self.spec.generator.range
        return (images + 1) * ((high - low) / 2) + low

    def _check_images(self, images: Tensor) -> None:
        if images.ndim != 4 or tuple(images.shape[1:]) != self.spec.image.dims:
            raise ValueError(
                f"pictures have to be (batch, {', '.join(map(str, self.spec.image.dims))}), not {tuple(images.shape)}"
            )
        if not images.is_floating_point():
            raise ValueError(f"pictures have to be floating point in [-1, 1], not {images.dtype}")


class Frozen(InfoGAN):
    """An InfoGAN for inference alone: its batch norms are folded into the weights of the layers before them."""

    def __init__(self, model: InfoGAN) -> None:
        latent = model.latents.sample(4, generator=torch.Generator().manual_seed(0)).to(model.device)
        generator = folded(model.generator, (latent,))
        with torch.no_grad():
            images = generator(latent)
        super().__init__(model.spec, generator, FoldedDiscriminator(model.discriminator, images))
        self.eval()

    def frozen(self) -> Frozen:
        """The model itself."""
        return self

    def train(self, mode: bool = True) -> Self:
        """ValueError: there is nothing left to train."""
        if mode:
            raise ValueError("a frozen model cannot be trained; train the one that it was made from")
        return super().train(mode)

    def save(self, folder: str | Path) -> None:
        """ValueError: its weights are not those of its spec."""
        raise ValueError(f"a frozen model cannot be saved ({folder}); save the one that it was made from")


def build(spec: ModelSpec, *, seed: int = 0, device: torch.device | str = "cpu") -> InfoGAN:
    """A freshly initialised model.

    The spec first runs on the meta device, so that nothing is allocated for one that cannot work.

    Raises PartError naming the part that cannot be built, or whose output has the wrong shape.
    """
    generator, discriminator = networks(spec, seed)
    return InfoGAN(spec, generator, discriminator).to(device).eval()


def load(
    folder: str | Path, *, device: torch.device | str = "cpu", registry: registry_module.Registry | None = None
) -> InfoGAN:
    """The model of a model folder. Loading executes nothing from it and installs nothing.

    A model has at most 2**30 weights, and the file of the weights exactly those of the spec: reading takes twice
    their bytes at most. A file of the folder may be a link to one, as in a cache of downloads.

    Raises StorageError where the folder is damaged, from a newer version, or needs a part that is not
    installed, which is named with the distribution that provides it.
    """
    folder = Path(folder)
    data = read_manifest(folder, MANIFEST)
    try:
        spec = ModelSpec.model_validate(data.get("spec"), context={"registry": registry})
    except ValidationError as error:
        lines = "; ".join(_located(line, data.get("provided_by")) for line in error.errors(include_url=False))
        raise StorageError(f"{folder / MANIFEST}: {lines}") from None
    try:
        tensors = read_tensors(folder, data, InfoGAN(spec, *dry_run(spec)).state_dict())
    except PartError as error:
        raise StorageError(f"{folder / MANIFEST}: {error}") from None
    # Built anew, as a part may hold tensors that are not in its state and were never made on the meta device.
    model = build(spec, device=device)
    model.load_state_dict(tensors)
    return model


def _located(line: Any, providers: Any) -> str:
    """One mistake in a spec, with the distribution that provided the part where its kind is unknown."""
    *part, last = map(str, line["loc"] or ("spec",))
    provider = providers.get(".".join(part)) if last == "kind" and isinstance(providers, Mapping) else None
    hint = f" (it came from the distribution {short(repr(provider))})" if isinstance(provider, str) else ""
    where = ".".join(short(key) for key in (*part, last))
    return f"{where}: {short(line['msg'], 500)}{hint}"
