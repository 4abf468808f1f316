"""Loss terms: what D (with Q) and G minimise, as pure functions of one view of the step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor

from .component import Component
from .latent import Latents
from .shard import WHOLE_BATCH, Shard

Phase = Literal["d", "g"]
"""Whose turn it is: D's (with Q, G standing still) or G's (D standing still)."""

PHASES: tuple[Phase, ...] = ("d", "g")
"""Both phases, in the order of a step."""

Part = Literal["generator", "d_body", "d_head", "q_body", "q_head"]
"""A part with weights. There is a ``q_body`` only where Q has a body of its own."""

Reach = Literal["generator", "d_body", "d_head", "read_body", "q_body", "q_head"]
"""What a loss term may teach: a part, or ``read_body``, the body that Q reads, be it D's or its own."""


@dataclass(frozen=True)
class StepView:
    """What a loss term may read in one phase of one step.

    In D's phase ``fake`` is detached, so that nothing reaches G, and Q has looked at it only where some
    term teaches Q then. A term that teaches Q's head and not the body that Q reads is shown what the head says
    of features that carry no gradient. In G's phase there is no ``real_logit``: D has not looked at the real pictures
    again.
    """

    step: Tensor
    """Steps finished before this one, a scalar on the device: a number would have to be waited for."""
    real: Tensor
    """Real pictures, ``(batch, channels, height, width)`` in the generator's range."""
    fake: Tensor
    """Generated pictures, of the same shape and range."""
    latent: Tensor
    """What they were generated from, ``(batch, latent_width)``."""
    latents: Latents
    """Splits ``latent`` and ``params`` by code."""
    real_logit: Tensor | None
    """D's logit of each real picture, ``(batch,)``; None in G's phase."""
    fake_logit: Tensor
    """D's logit of each generated picture, ``(batch,)``."""
    params: Tensor | None
    """What Q emits for the generated pictures, ``(batch, n_params)``; None in a D's phase that teaches no Q."""
    generator: Callable[[Tensor], Tensor]
    """G, to be called again on other latents."""
    discriminator: Callable[..., tuple[Tensor, Tensor]]
    """D and Q, to be called again (gradient penalties): ``(images, domain) -> (logit, params)``."""

    random: torch.Generator
    """What `draw` draws from; on the device, and set anew for each step."""
    shard: Shard = WHOLE_BATCH
    """Which part of the whole batch the pictures are."""
    _information: dict[str, Tensor] = field(default_factory=dict, init=False, repr=False)

    @property
    def information(self) -> dict[str, Tensor]:
        """L_I of each code in nats, scalars: see `Latents.information`. Computed once, whoever asks."""
        if not self._information:
            assert self.params is not None, "a term that reads Q in D's phase names Q or the body it reads in its reach"
            self._information.update(self.latents.information(self.params, self.latent))
        return self._information

    def draw(self, count: int) -> Tensor:
        """Numbers in [0, 1), ``count`` for each picture: ``(count, batch)``, on the device.

        They are drawn for the whole batch, so that several processes draw what one would.
        """
        whole = len(self.real) * self.shard.size
        drawn = torch.rand(count, whole, generator=self.random, device=self.real.device)
        return self.shard.of(drawn.T).T


class LossTerm(Component):
    """One summand of the objective.

    ``d_loss`` is minimised in D's phase, ``g_loss`` in G's; both are scalars before ``weight``, or
    None where the term has no part in that phase.
    """

    role: ClassVar[str] = "loss"

    second_order: ClassVar[bool] = False
    """True where a loss has a gradient of a network in it (R1, gradient penalty). torch.compile cannot
    differentiate twice, so such a term is computed outside of what is compiled, and has to call
    ``view.discriminator`` itself for the logits that it differentiates."""

    draws: ClassVar[bool] = False
    """True where a loss takes numbers from ``view.draw``: in another order pictures then meet other numbers. Such a
    term, too, is computed outside of what is compiled: torch.compile knows no generators."""

    weight: float = Field(default=1.0, ge=0.0)
    """Factor on the term in both phases."""

    def reach(self, phase: Phase) -> frozenset[Reach]:
        """The parts whose weights feel this term in ``phase``; empty where it has no loss there.

        Every part belongs to one phase only, whose optimiser steps it. A ``q_body`` that the model
        lacks is passed over.
        """
        return frozenset()

    def reads(self, phase: Phase) -> bool:
        """Whether the term needs Q's output in this phase."""
        return phase == "g" or not self.reach(phase).isdisjoint({"q_head", "q_body", "read_body"})

    def reads_detached(self, phase: Phase, *, shared: bool) -> bool:
        """Whether Q's head is to be evaluated on detached features, ``shared`` where Q reads D's body.

        That is in D's phase, for a term that trains Q's head and not the body below it.
        """
        read: Part = "d_body" if shared else "q_body"
        return phase == "d" and self.reads(phase) and read not in self.parts(phase, shared=shared)

    def parts(self, phase: Phase, *, shared: bool) -> frozenset[Part]:
        """`reach` in a model whose Q shares D's body, or has one of its own."""
        read: Part = "d_body" if shared else "q_body"
        named: set[Part] = {read if part == "read_body" else part for part in self.reach(phase)}
        return frozenset(named - {"q_body"} if shared else named)

    def d_loss(self, view: StepView) -> Tensor | None:
        """What D and Q minimise, a scalar."""
        return None

    def g_loss(self, view: StepView) -> Tensor | None:
        """What G minimises, a scalar."""
        return None

    def check(self, latents: Latents) -> None:
        """Raise ValueError where the term's options do not fit the model's codes.

        `infogan.error_at` makes one that points at the option.
        """
