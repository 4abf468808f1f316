"""The measures: what Q's codes know of the pictures, and of the factors behind them."""

from .classification import Classification, classify
from .effect import Effect, measure_effect
from .factors import Explained, explain
from .information import Information, measure_information
from .reading import Reading, read_split
from .report import Evaluation, evaluate

__all__ = [
    "Classification",
    "Effect",
    "Evaluation",
    "Explained",
    "Information",
    "Reading",
    "classify",
    "evaluate",
    "explain",
    "measure_effect",
    "measure_information",
    "read_split",
]
