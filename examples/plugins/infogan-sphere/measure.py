"""How well a run of the recipe `globe` found the light: python measure.py runs/globe.

First as the round trip of a code: 1,000 pictures with the light in random directions, read one at a time. Then on
pictures that the run never saw. Nothing told it which way is up, so that the code's axes may be turned, or mirrored,
against the picture's: the orthogonal matrix that fits best (Procrustes) is found on one half of the held-out pictures,
and the error measured on the other.
"""

import sys

import torch

import infogan
from infogan.evaluation import read_split

N = 1000
"""Pictures to generate."""


def degrees_apart(one, other):
    """Angles between unit vectors ``(n, 3)`` in degrees, ``(n,)``."""
    return torch.rad2deg(2 * torch.atan2((one - other).norm(dim=1), (one + other).norm(dim=1)))


def turn(source, target):
    """The orthogonal matrix Q, ``(3, 3)``, with the least squared distance of ``source @ Q`` to ``target``."""
    left, _, right = torch.linalg.svd(source.T @ target)
    return left @ right


def told(name, off):
    """The errors of one measurement in a line."""
    return f"{name}: mean {off.mean():.1f}, median {off.median():.1f}, worst {off.max():.0f} degrees off"


def main(run):
    """Print both errors, and whether the code's axes are mirrored."""
    model = infogan.load(f"{run}/model")
    (name, code), *_ = [(name, code) for name, code in model.latents.codes.items() if code.kind == "sphere"]
    asked = code.sample(N, generator=torch.Generator().manual_seed(1))
    pictures = model.sample(N, seed=1, **{name: asked})
    read = torch.cat([model.infer(picture[None])[name].value for picture in pictures])
    print(told(f"{N} generated pictures, one at a time", degrees_apart(read, asked)))

    reading = read_split(model, infogan.read_run(f"{run}/run.yaml").data, "test")
    true = torch.stack([reading.factors[axis] for axis in ("right", "up", "towards")], dim=1)
    half = len(true) // 2
    matrix = turn(reading.values[name][:half], true[:half])
    off = degrees_apart(reading.values[name][half:] @ matrix, true[half:])
    print(told(f"{len(off)} held-out pictures, after the best turn of the other {half}", off))
    print("the axes are mirrored" if torch.linalg.det(matrix) < 0 else "the axes are turned, not mirrored")


if __name__ == "__main__":
    main(sys.argv[1])
