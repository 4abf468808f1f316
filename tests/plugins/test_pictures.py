"""The networks for pictures of any size learn to be read."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from infogan import Body, Generator, ImageShape, ModelSpec, RunSpec, train
from infogan.plugins.codes import Categorical, Uniform
from infogan.plugins.dcgan import DcganBody, DcganGenerator
from infogan.plugins.heads import Mlp
from infogan.plugins.losses import MutualInformation, NonSaturating
from infogan.plugins.noises import NormalNoise
from infogan.plugins.resnet import ResnetBody, ResnetGenerator
from infogan.plugins.sprites import Sprites
from infogan.training.run import TrainingSpec

NETWORKS: dict[str, tuple[Generator, Body]] = {
    "dcgan": (DcganGenerator(width=8), DcganBody(width=8, hidden=64)),
    "dcgan, spectral norm": (DcganGenerator(width=8), DcganBody(width=8, hidden=64, norm="spectral")),
    "resnet": (ResnetGenerator(width=16), ResnetBody(width=16)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_in_twenty_steps_on_sprites_information_rises(name: str, tmp_path: Path) -> None:
    generator, body = NETWORKS[name]
    model = ModelSpec(
        image=ImageShape(channels=1, height=16, width=16),
        noise=NormalNoise(size=4),
        codes={"shape": Categorical(n=3), "u": Uniform()},
        generator=generator,
        body=body,
        head=Mlp(hidden=32),
        losses={"adversarial": NonSaturating(), "information": MutualInformation()},
    )
    training = TrainingSpec(steps=20, batch_size=16, d_lr=2e-3, g_lr=2e-3, log_every=5, device="cpu")
    reports: list[dict[str, float]] = []
    spec = RunSpec(model=model, data=Sprites(size=16, n=320, n_test=16), training=training)
    train(spec, tmp_path / "run", on_report=lambda report: reports.append(report.values))
    information = [sum(report[f"information/{name}"] for name in model.codes) for report in reports]
    assert information == sorted(information)
    assert information[-1] > 0.15, "nats, and a Q that ignores its pictures has 0 at most"
    assert all(math.isfinite(value) for report in reports for value in report.values())
