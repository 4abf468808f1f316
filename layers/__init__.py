"""What networks are built from: weight initialisation, spectral norm, the sizes of levels of maps."""

from .initialisation import glorot, initialise
from .pyramid import CenterCrop, halvings, initial_size
from .spectral_norm import SpectralNorm, apply_spectral_norm

__all__ = [
    "CenterCrop",
    "SpectralNorm",
    "apply_spectral_norm",
    "glorot",
    "halvings",
    "initial_size",
    "initialise",
]
