"""Whatever has become of a spec, it is built or refused in a few words; `benchmarks/mutated_specs.py` tries more."""

from __future__ import annotations

import statistics
from random import Random

import mutated_specs
from harness.mutants import STRUCTURAL, Herd, tree, written

from infogan import Registry
from infogan.files.strict_yaml import parse

REGISTRY = Registry(entry_points=False)
COUNT = 150


def test_every_mutant_is_built_or_refused_soon_and_in_few_words(tmp_path):
    found = mutated_specs.check(Herd(REGISTRY, seed=1), COUNT, tmp_path)
    assert not found.crashes
    assert 5 <= found.built <= COUNT / 2  # some mutations are harmless
    assert found.longest <= mutated_specs.MESSAGE
    assert statistics.median(found.seconds) <= mutated_specs.MEDIAN
    assert found.megabytes <= mutated_specs.MEMORY


def test_a_seed_and_a_number_are_one_mutant():
    herd, again, other = Herd(REGISTRY, 3), Herd(REGISTRY, 3), Herd(REGISTRY, 4)
    first = [herd.mutant(number) for number in range(40)]
    assert first == [again.mutant(number) for number in range(40)]
    assert first != [other.mutant(number) for number in range(40)]
    assert len(set(first)) > 30


def test_every_mutation_of_the_values_changes_them():
    values = parse(REGISTRY.recipe("mnist"), "mnist").values
    sound = written(tree(values))
    assert parse(sound, "mnist").values == values
    for mutate in STRUCTURAL:
        texts = set()
        for seed in range(20):
            spec = tree(values)
            mutate(Random(seed), spec)
            texts.add(written(spec))
        assert len(texts - {sound}) > 5, mutate.__name__
