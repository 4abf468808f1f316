"""What networks of plugins are built from: first weights, spectral norm, the sizes of their levels."""

from .initialisation import glorot, initialise
from .pyramid import CentralCrop, halvings, smallest_level
from .spectral_norm import SpectralNorm, normalise_spectrally

__all__ = [
    "CentralCrop",
    "SpectralNorm",
    "glorot",
    "halvings",
    "initialise",
    "normalise_spectrally",
    "smallest_level",
]
