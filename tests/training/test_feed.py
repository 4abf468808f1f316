"""Real pictures, batch by batch: a pure function of (seed, step)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor

from infogan.core.data import Draw, Images
from infogan.core.shard import WHOLE_BATCH, Shard
from infogan.training.feed import batches_from, scaled, some_pictures

CPU = torch.device("cpu")


def numbered(n: int) -> Images:
    """Pictures that say which one they are."""
    return Images(
        torch.arange(n, dtype=torch.uint8).reshape(n, 1, 1, 1).expand(n, 1, 2, 2).clone(), {"shade": torch.zeros(n)}
    )


def feed(data: Any, *, seed: int = 0, start: int = 0, batch_size: int = 4) -> Any:
    return batches_from(data, batch_size=batch_size, seed=seed, start=start, device=CPU)


def shown(batch: Tensor) -> list[int]:
    return batch[:, 0, 0, 0].int().tolist()


def test_an_epoch_shows_each_picture_at_most_once_and_leaves_out_only_the_last_incomplete_batch() -> None:
    of_step = feed(numbered(11))
    epochs = [[i for step in (2 * epoch, 2 * epoch + 1) for i in shown(of_step(step))] for epoch in range(12)]
    for epoch in epochs:
        assert len(epoch) == len(set(epoch)) == 8
    assert len({tuple(epoch) for epoch in epochs}) == 12, "each in an order of its own"
    assert {i for epoch in epochs for i in epoch} == set(range(11)), "another three are left out each time"


def test_a_batch_depends_on_seed_and_step_only() -> None:
    forwards, later, other = feed(numbered(11)), feed(numbered(11), start=7), feed(numbered(11), seed=1)
    seen = [shown(forwards(step)) for step in range(9)]
    assert [shown(later(step)) for step in (7, 8)] == seen[7:]
    assert [shown(other(step)) for step in range(9)] != seen


def test_workers_read_what_memory_has(parts: SimpleNamespace) -> None:
    """Also from the middle, and across epochs."""
    in_memory = feed(numbered(11))
    for start in (0, 5):
        streamed = feed(parts.rows(numbered(11)), start=start)
        for step in range(start, start + 5):
            assert torch.equal(streamed(step), in_memory(step))


def test_feeding_leaves_the_global_generator_alone(parts: SimpleNamespace) -> None:
    before = torch.get_rng_state()
    for data in (numbered(11), parts.rows(numbered(11))):
        feed(data)(0)
    assert torch.equal(torch.get_rng_state(), before)


def brightened(pixels: Tensor, draw: Draw) -> Tensor:
    """By a number of each picture's own, which can be read off it."""
    return pixels + (draw(2)[1] * 100).byte()[:, None, None, None]


@pytest.mark.parametrize("in_memory", [True, False])
def test_what_varies_a_batch_depends_on_seed_and_step_only(parts: SimpleNamespace, in_memory: bool) -> None:
    data = numbered(12) if in_memory else parts.rows(numbered(12))

    def varied(seed: int = 0, start: int = 0, shard: Shard = WHOLE_BATCH) -> Any:
        options = {"batch_size": 4, "device": CPU, "augment": brightened}
        return batches_from(data, seed=seed, start=start, shard=shard, **options)  # type: ignore[arg-type]

    whole, later, other = varied(), varied(start=2), varied(seed=1)
    seen = [whole(step) for step in range(4)]
    assert [later(step).tolist() for step in (2, 3)] == [batch.tolist() for batch in seen[2:]]
    assert other(0).tolist() != seen[0].tolist()
    added = [[shade % 12 for shade in shown(batch)] for batch in seen]
    assert len({tuple(batch) for batch in added}) == 4, "each step draws anew"
    halves = [varied(shard=Shard(rank, 2)) for rank in range(2)]
    assert torch.equal(torch.cat([half(0) for half in halves]), seen[0]), "two processes draw what one does"


@pytest.mark.parametrize("pixel_range", [(0.0, 1.0), (-1.0, 1.0)])
def test_black_and_white_become_the_ends_of_the_range(pixel_range: tuple[float, float]) -> None:
    pixels = torch.tensor([0, 255], dtype=torch.uint8).reshape(2, 1, 1, 1)
    assert scaled(pixels, pixel_range).flatten().tolist() == pytest.approx(list(pixel_range))
    assert sorted(some_pictures(Images(pixels), pixel_range, count=2, seed=0).flatten().tolist()) == pytest.approx(
        list(pixel_range)
    )
    assert pixels.flatten().tolist() == [0, 255], "the data set itself stays as it is"


def test_a_data_set_smaller_than_a_batch_is_refused() -> None:
    with pytest.raises(ValueError, match="a batch of 4 needs at least as many pictures; the data set has 3"):
        feed(numbered(3))


def test_pictures_for_calibration_are_chosen_by_the_seed(parts: SimpleNamespace) -> None:
    one, again, other = (
        shown(some_pictures(numbered(50), (0.0, 255.0), count=10, seed=seed).round()) for seed in (0, 0, 1)
    )
    assert one == again != other
    assert len(set(one)) == 10
    assert shown(some_pictures(parts.rows(numbered(50)), (0.0, 255.0), count=10, seed=0).round()) == one
