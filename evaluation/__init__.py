"""The measures: what Q's codes know of the pictures and of the factors behind them, and how good pictures are."""

from .classification import Classification, classify
from .effect import Effect, measure_effect
from .factors import Explained, explain
from .features import FeatureNetwork, UnlabelledNetwork, kept_features, same_pictures, train_features
from .information import Information, measure_information
from .quality import Qualities, Quality, Splits, compare_features, kid, load_splits, measure_quality, precision_recall
from .reading import Reading, read_split
from .report import Evaluation, evaluate
from .sliced import sliced_wasserstein

__all__ = [
    "Classification",
    "Effect",
    "Evaluation",
    "Explained",
    "FeatureNetwork",
    "Information",
    "Qualities",
    "Quality",
    "Reading",
    "Splits",
    "UnlabelledNetwork",
    "classify",
    "compare_features",
    "evaluate",
    "explain",
    "kept_features",
    "kid",
    "load_splits",
    "measure_effect",
    "measure_information",
    "measure_quality",
    "precision_recall",
    "read_split",
    "same_pictures",
    "sliced_wasserstein",
    "train_features",
]
