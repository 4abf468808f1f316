"""The fused D/Q pass beside D alone and beside two separate networks, on the MNIST network."""

from __future__ import annotations

import itertools
import statistics
import time

import pytest
import torch

import infogan

BATCHES = [1, 128, 1024]


@pytest.fixture(scope="module")
def model():
    return infogan.build(infogan.read_run("mnist").model)


def passes(model):
    """The three ways to get D's logit, and with the last two Q's parameters too."""
    d = model.discriminator
    other = infogan.build(model.spec, seed=1, device=model.device).discriminator
    return {
        "d_alone": lambda images: d.logit(images),
        "fused": lambda images: d(images),
        "separate": lambda images: (d.logit(images), other.q_head(other.body(images))),
    }


def batches(n, device):
    """Rotating inputs, so that no pass finds its data in a cache it warmed itself."""
    return itertools.cycle([torch.rand(n, 1, 28, 28, device=device) for _ in range(4)])


@pytest.mark.parametrize("batch", BATCHES)
@pytest.mark.parametrize("way", ["d_alone", "fused", "separate"])
@pytest.mark.benchmark(group="D/Q forward")
@torch.no_grad()
def test_forward(benchmark, model, device, synchronised, way, batch):
    model = model.to(device).train(batch > 1)  # batch norm has no statistics of a single picture
    run, inputs = synchronised(passes(model)[way]), batches(batch, device)
    benchmark(lambda: run(next(inputs)))


@pytest.mark.benchmark(group="D/Q forward")
def test_fused_beside_both(benchmark, model):
    """The ratios that are claimed: interleaved turns in one process, medians of paired ratios.

    The bounds are loose, since machines are shared: the fused pass is nearer to D alone than to two.
    """
    ways = passes(model.cpu().train())
    inputs = batches(128, "cpu")
    seconds = {name: [] for name in ways}
    with torch.no_grad():
        for turn in range(16):
            for name in list(ways)[:: 1 if turn % 2 else -1]:
                images = next(inputs)
                start = time.perf_counter()
                ways[name](images)
                seconds[name].append(time.perf_counter() - start)
    over_d, over_two = (
        statistics.median(a / b for a, b in zip(seconds["fused"][2:], seconds[other][2:], strict=True))
        for other in ("d_alone", "separate")
    )
    benchmark.extra_info.update(fused_over_d_alone=over_d, fused_over_separate=over_two)
    benchmark.pedantic(ways["fused"], args=(next(inputs),), rounds=3)
    assert over_d < 1.5, f"the fused pass costs {over_d:.2f} x D alone"
    assert over_two < 0.8, f"the fused pass costs {over_two:.2f} x two networks"


@torch.no_grad()
def test_fused_equals_separate_passes(model):
    """The fast path gives what the plain one gives."""
    images = torch.rand(8, 1, 28, 28)
    d = model.cpu().eval().discriminator
    fused = d(images)
    torch.testing.assert_close(fused.logit, d.logit(images))
    torch.testing.assert_close(fused.params, d.q_head(d.body(images)))
