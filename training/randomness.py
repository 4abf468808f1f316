"""Everything random in a run comes from (seed, stream, step)."""

from __future__ import annotations

import hashlib

import torch


def generator(seed: int, stream: str, step: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A generator of its own for one purpose at one step.

    A run resumed at any step therefore draws what the uninterrupted one would have drawn.

    >>> import torch
    >>> a, b = (torch.rand(1, generator=generator(0, "latent", 7)) for _ in range(2))
    >>> bool(a == b)
    True
    """
    return reseed(torch.Generator(device), seed, stream, step)


def reseed(used: torch.Generator, seed: int, stream: str, step: int) -> torch.Generator:
    """Set a generator, which is returned, to where `generator` would begin."""
    digest = hashlib.blake2b(f"{seed}/{stream}/{step}".encode(), digest_size=8).digest()
    return used.manual_seed(int.from_bytes(digest, "big") >> 1)
