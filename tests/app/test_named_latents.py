"""Latents by seed and index, and sums of their means."""

from __future__ import annotations

import pytest
import torch

from infogan import InfoGAN
from infogan.app.named_latents import drawn, parse_sum, path_panel, sum_panels


def test_a_draw_is_a_picture_of_the_page_of_samples(model: InfoGAN) -> None:
    assert torch.equal(drawn(model, "7:3", 20), model.draw(20, seed=7)[3:4])


@pytest.mark.parametrize("name", ["7", "7:", ":3", "7:3:1", "-1:3", "a:b", "0x1:2", "", "7:20"])
def test_what_names_no_draw_is_refused(model: InfoGAN, name: str) -> None:
    with pytest.raises(ValueError, match="is no draw"):
        drawn(model, name, 20)


def test_a_sum_is_names_with_signs_between_them() -> None:
    assert parse_sum("a-b + c") == [(1, "a"), (-1, "b"), (1, "c")]
    assert parse_sum(" man_1 ") == [(1, "man_1")]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "a name has to stand at the end"),
        ("a -", "a name has to stand at the end"),
        ("- a", "a name has to stand at column 1, not '-'"),
        ("a b", r"\+ or - has to stand at column 3, not 'b'"),
        ("a - - b", "a name has to stand at column 5"),
        ("a * b", r"\+ or - has to stand at column 3, not '\*'"),
        ("a - 2", "a name has to stand at column 5, not '2'"),
        ("a + (b)", r"not '\('"),
        ("__import__('os')", r"column 11, not '\('"),
    ],
)
def test_whatever_else_stands_in_a_sum_is_named_with_its_column(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_sum(text)


def test_a_sum_adds_the_means_of_its_sets(model: InfoGAN) -> None:
    members = {"a": ["0:1", "0:2"], "b": ["1:5"]}
    a, b, result = sum_panels(model, "a - b", members, page=20, seed=0)
    assert (a.column_labels, b.column_labels) == (["0:1", "0:2", "mean"], ["1:5"])
    mean = model.draw(20, seed=0)[1:3].mean(dim=0, keepdim=True)
    expected = model.generate(model.latents.nearest(mean - model.draw(20, seed=1)[5:6]))
    assert torch.allclose(result.images[0, :1], expected, atol=1e-5)
    assert result.images.shape[:2] == (1, 9)


def test_names_and_sets_have_to_match(model: InfoGAN) -> None:
    with pytest.raises(ValueError, match=r"nothing is said of 'aa'.*Did you mean 'a'"):
        sum_panels(model, "aa", {"a": ["0:1"]}, page=20, seed=0)
    with pytest.raises(ValueError, match="'b' is not in 'a'"):
        sum_panels(model, "a", {"a": ["0:1"], "b": ["0:2"]}, page=20, seed=0)


def test_a_way_moves_the_noise_the_codes_or_each_alone(model: InfoGAN) -> None:
    stops = torch.cat([drawn(model, name, 20) for name in ("0:1", "0:4", "2:3")])
    ends = model.generate(stops)
    panels = [
        path_panel(model, ["0:1", "0:4", "2:3"], page=20, steps=3, codes=codes, rows=rows)
        for codes, rows in ((False, False), (True, False), (False, True))
    ]
    noise, all_of_it, rows = panels
    assert noise.column_labels == ["0:1", "", "0:4", "", "2:3"]
    assert torch.allclose(all_of_it.images[0, ::2], ends, atol=1e-5)
    assert rows.row_labels == ["noise", "digit", "slant", "all"]
    assert torch.equal(rows.images[0], noise.images[0])
    assert torch.equal(rows.images[3], all_of_it.images[0])
    vectors, codes = model.latents.split(stops)
    turned = model.latents.join(vectors[:1], {"digit": codes["digit"][-1:], "slant": codes["slant"][:1]})
    assert torch.allclose(rows.images[1, -1:], model.generate(turned), atol=1e-5)
