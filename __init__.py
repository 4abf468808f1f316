"""InfoGAN as a library of parts: from a text spec to a trained, steerable, measured model.

Each public name is resolved on first use, so that importing the package imports no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .core.component import Component as Component
    from .core.component import error_at as error_at
    from .core.data import Data as Data
    from .core.data import Draw as Draw
    from .core.data import Examined as Examined
    from .core.data import Images as Images
    from .core.data import Split as Split
    from .core.latent import Code as Code
    from .core.latent import Latents as Latents
    from .core.latent import Noise as Noise
    from .core.latent import Prior as Prior
    from .core.loss import LossTerm as LossTerm
    from .core.loss import Phase as Phase
    from .core.loss import Reach as Reach
    from .core.loss import StepView as StepView
    from .core.network import Body as Body
    from .core.network import Generator as Generator
    from .core.network import Head as Head
    from .core.network import ImageShape as ImageShape
    from .core.shard import Shard as Shard
    from .files.datasets import data_folder as data_folder
    from .files.disk import DiskFull as DiskFull
    from .files.storage import StorageError as StorageError
    from .files.strict_yaml import SpecError as SpecError
    from .loading.installed import InstalledPlugin as InstalledPlugin
    from .model.build import PartError as PartError
    from .model.discriminator import DQ as DQ
    from .model.discriminator import Discriminator as Discriminator
    from .model.infogan import Edit as Edit
    from .model.infogan import Frozen as Frozen
    from .model.infogan import InfoGAN as InfoGAN
    from .model.infogan import Posterior as Posterior
    from .model.infogan import Traversal as Traversal
    from .model.infogan import build as build
    from .model.infogan import load as load
    from .model.spec import ModelSpec as ModelSpec
    from .registry import Hooks as Hooks
    from .registry import Plugin as Plugin
    from .registry import PluginError as PluginError
    from .registry import Registry as Registry
    from .registry import UnknownKind as UnknownKind
    from .registry import hookimpl as hookimpl
    from .training.log import Report as Report
    from .training.loop import TrainingError as TrainingError
    from .training.loop import train as train
    from .training.run import RunSpec as RunSpec
    from .training.run import TrainingSpec as TrainingSpec
    from .training.spec_text import read_run as read_run
    from .training.stopping import Stopped as Stopped

_WHERE = {
    "Component": "core.component",
    "error_at": "core.component",
    "Prior": "core.latent",
    "Noise": "core.latent",
    "Code": "core.latent",
    "Latents": "core.latent",
    "Generator": "core.network",
    "Body": "core.network",
    "Head": "core.network",
    "ImageShape": "core.network",
    "LossTerm": "core.loss",
    "Phase": "core.loss",
    "Reach": "core.loss",
    "StepView": "core.loss",
    "Data": "core.data",
    "Images": "core.data",
    "Examined": "core.data",
    "Draw": "core.data",
    "Split": "core.data",
    "Shard": "core.shard",
    "data_folder": "files.datasets",
    "DiskFull": "files.disk",
    "StorageError": "files.storage",
    "SpecError": "files.strict_yaml",
    "InstalledPlugin": "loading.installed",
    "Hooks": "registry",
    "Plugin": "registry",
    "PluginError": "registry",
    "Registry": "registry",
    "UnknownKind": "registry",
    "hookimpl": "registry",
    "PartError": "model.build",
    "DQ": "model.discriminator",
    "Discriminator": "model.discriminator",
    "Edit": "model.infogan",
    "Frozen": "model.infogan",
    "InfoGAN": "model.infogan",
    "Posterior": "model.infogan",
    "Traversal": "model.infogan",
    "build": "model.infogan",
    "load": "model.infogan",
    "ModelSpec": "model.spec",
    "Report": "training.log",
    "TrainingError": "training.loop",
    "train": "training.loop",
    "RunSpec": "training.run",
    "TrainingSpec": "training.run",
    "read_run": "training.spec_text",
    "Stopped": "training.stopping",
}

__all__ = sorted(_WHERE)  # pyright: ignore[reportUnsupportedDunderAll]


_PUBLIC_PACKAGES = ("evaluation", "layers", "testing")


def __getattr__(name: str) -> Any:
    if name in _PUBLIC_PACKAGES:
        return importlib.import_module(f".{name}", __name__)
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
