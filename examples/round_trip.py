"""Ask for an angle, look at the picture, read the angle back: python examples/round_trip.py runs/sprites.

Draws 1,000 pictures at random angles, reads them one at a time, and prints how far off the answers are.
"""

from __future__ import annotations

import sys

import torch

import infogan


def main(run: str) -> None:
    """Print what Q says of one picture at 45 degrees, and the error over many pictures at any angle."""
    model = infogan.load(f"{run}/model")
    fed = model.latents.encode("angle", "45deg", 1)[0].tolist()
    answer = model.infer(model.sample(1, seed=0, angle="45deg"))["angle"]
    print(f"asked for 45 degrees: G is fed ({fed[0]:.3f}, {fed[1]:.3f})")
    print(f"Q answers {answer.value[0].tolist()}: {answer.guess[0]:.1f} degrees, confidence {answer.confidence[0]:.2f}")

    asked = torch.rand(1000, generator=torch.Generator().manual_seed(1)) * 360
    pictures = model.sample(1000, seed=1, angle=asked)
    answers = torch.tensor([model.infer(picture[None])["angle"].guess[0] for picture in pictures])
    off = ((answers - asked + 180) % 360 - 180).abs()
    print(f"1,000 pictures, one at a time: mean {off.mean():.1f}, median {off.median():.1f} degrees off")


if __name__ == "__main__":
    main(sys.argv[1])
