"""InfoGAN as a library of parts: from a text spec to a trained, steerable, measured model.

Each public name is resolved on first use, so that importing the package imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.data import Data as Data
    from .core.latent import Code as Code
    from .core.latent import Latents as Latents
    from .core.latent import Noise as Noise
    from .core.latent import Prior as Prior
    from .core.loss import LossTerm as LossTerm
    from .core.network import Body as Body
    from .core.network import Generator as Generator
    from .core.network import Head as Head
    from .core.network import ImageShape as ImageShape
    from .files.strict_yaml import SpecError as SpecError
    from .model.infogan import InfoGAN as InfoGAN
    from .model.infogan import build as build
    from .model.infogan import load as load
    from .model.spec import ModelSpec as ModelSpec
    from .registry import Registry as Registry
    from .registry import hookimpl as hookimpl
    from .training.loop import train as train
    from .training.run import RunSpec as RunSpec
    from .training.spec_text import read_run as read_run

_WHERE = {
    "Prior": "core.latent",
    "Noise": "core.latent",
    "Code": "core.latent",
    "Latents": "core.latent",
    "Data": "core.data",
    "Generator": "core.network",
    "Body": "core.network",
    "Head": "core.network",
    "ImageShape": "core.network",
    "LossTerm": "core.loss",
    "ModelSpec": "model.spec",
    "InfoGAN": "model.infogan",
    "build": "model.infogan",
    "load": "model.infogan",
    "Registry": "registry",
    "hookimpl": "registry",
    "RunSpec": "training.run",
    "read_run": "training.spec_text",
    "SpecError": "files.strict_yaml",
    "train": "training.loop",
}

__all__ = sorted(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
