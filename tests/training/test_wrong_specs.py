"""Wrong specs: each has one mistake, and gets one line that says where, what, and what would be right."""

from __future__ import annotations

import time
import warnings
from pathlib import Path
from typing import Any

import pytest

from infogan import Registry
from infogan.files.strict_yaml import SpecError, parse
from infogan.training.spec_text import read_run, validate

REGISTRY = Registry(entry_points=False)

RIGHT = """\
model:
  image: {channels: 1, height: 28, width: 28}
  noise: {kind: uniform, size: 62}
  codes:
    digit: {kind: categorical, n: 10}
    slant: {kind: uniform, low: -1, high: 1}
  generator: {kind: mnist}
  body: {kind: mnist, leak: 0.1}
  head: {kind: mlp, leak: 0.1}
  losses:
    adversarial: {kind: non_saturating}
    information: {kind: mutual_information, codes: {slant: 0.1}}
data: {kind: mnist}
training: {steps: 5000, batch_size: 128, betas: [0.5, 0.999]}
"""

DIGIT = "{kind: categorical, n: 10}"
SLANT = "{kind: uniform, low: -1, high: 1}"
CODES = f"""codes:
    digit: {DIGIT}
    slant: {SLANT}
"""
LOSSES = """losses:
    adversarial: {kind: non_saturating}
    information: {kind: mutual_information, codes: {slant: 0.1}}
"""
BOMB = """\
a: &a [x, x, x, x, x, x, x, x, x]
b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]
c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]
d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]
e: [*d, *d, *d, *d, *d, *d, *d, *d, *d]
"""


def change(old: str, new: str) -> str:
    """The right spec with one change."""
    assert RIGHT.count(old) == 1, old
    return RIGHT.replace(old, new)


# name: (text, line and column, what the message has to say)
WRONG: dict[str, tuple[str, str, list[str]]] = {
    # a kind
    "unknown noise": (
        change("noise: {kind: uniform", "noise: {kind: unifrom"),
        "3:17",
        ["model.noise.kind: ", "'unifrom'; known: normal, uniform. Did you mean 'uniform'?"],
    ),
    "unknown code": (
        change("kind: categorical", "kind: categorial"),
        "5:19",
        ["model.codes.digit.kind: ", "'categorial'", "angle, bernoulli, categorical", "Did you mean 'categorical'?"],
    ),
    "unknown generator": (
        change("generator: {kind: mnist}", "generator: {kind: mnsit}"),
        "7:21",
        ["model.generator.kind: ", "'mnsit'", "Did you mean 'mnist'?"],
    ),
    "unknown body": (
        change("body: {kind: mnist", "body: {kind: minst"),
        "8:16",
        ["model.body.kind: ", "'minst'", "Did you mean 'mnist'?"],
    ),
    "unknown head": (
        change("kind: mlp", "kind: map"),
        "9:16",
        ["model.head.kind: ", "'map'; known: linear, mlp. Did you mean 'mlp'?"],
    ),
    "unknown loss": (
        change("kind: non_saturating", "kind: nonsaturating"),
        "11:25",
        ["model.losses.adversarial.kind: ", "'nonsaturating'", "Did you mean 'non_saturating'?"],
    ),
    "unknown data": (
        change("data: {kind: mnist}", "data: {kind: imagenet}"),
        "13:14",
        ["data.kind: ", "'imagenet'; known: ", "mnist"],
    ),
    "dotted path for a kind": (
        change("data: {kind: mnist}", "data: {kind: os.system}"),
        "13:14",
        ["data.kind: ", "'os.system'; known: ", "mnist"],
    ),
    "no kind": (
        change("generator: {kind: mnist}", "generator: {}"),
        "7:3",
        ["model.generator.kind: is missing; known: chairs, dcgan, faces, mnist"],
    ),
    "number for a kind": (
        change("kind: mlp", "kind: 3"),
        "9:16",
        ["model.head.kind: has to be text; known: linear, mlp."],
    ),
    "kind alone": (
        change("head: {kind: mlp, leak: 0.1}", "head: mlp"),
        "9:9",
        ["model.head: has to be a mapping with a kind, such as {kind: mlp}; known: linear, mlp."],
    ),
    # a key
    "misspelt option": (
        change("body: {kind: mnist, leak", "body: {kind: mnist, leek"),
        "8:23",
        ["model.body.leek: there is no 'leek' here; known: leak. Did you mean 'leak'?"],
    ),
    "misspelt setting": (
        change("steps", "stepz"),
        "14:12",
        ["training.stepz: there is no 'stepz' here; known: ", "Did you mean 'steps'?"],
    ),
    "misspelt top-level key": (
        change("training:", "trainig:"),
        "14:1",
        ["trainig: there is no 'trainig' here; known: data, model, schema_version, training. Did you mean 'training'?"],
    ),
    "newer schema version": (
        "schema_version: 2\n" + RIGHT,
        "1:17",
        ["schema_version: schema version 2 is newer than 1, the newest that infogan", "install a newer infogan"],
    ),
    "older schema version": ("schema_version: 0\n" + RIGHT, "1:17", ["schema version has to be 1, not 0"]),
    "schema version in words": ("schema_version: one\n" + RIGHT, "1:17", ["schema_version: has to be a whole number"]),
    "misspelt required key": (
        change("data:", "dta:"),
        "13:1",
        ["dta: there is no 'dta' here; known: data, model, schema_version, training. Did you mean 'data'?"],
    ),
    "misspelt required part": (
        change("generator:", "genrator:"),
        "7:3",
        ["model.genrator: there is no 'genrator' here; known: ", "Did you mean 'generator'?"],
    ),
    "missing top-level key": (change("data: {kind: mnist}\n", ""), "1:1", ["data: is missing"]),
    "missing part": (change("  body: {kind: mnist, leak: 0.1}\n", ""), "1:1", ["model.body: is missing"]),
    "missing option": (change(", n: 10", ""), "5:5", ["model.codes.digit.n: is missing"]),
    "key there twice": (
        change("steps: 5000,", "steps: 5000, steps: 10,"),
        "14:25",
        ["training.steps: is there twice, first at spec.yaml:14:12"],
    ),
    "number for a mapping": (
        change("data: {kind: mnist}", "data: 3"),
        "13:7",
        ["data: has to be a mapping", "{kind: "],
    ),
    "list for a mapping": (
        change(CODES, f"codes: [{DIGIT}]\n"),
        "4:3",
        ["model.codes: has to be a mapping, not a list"],
    ),
    "nothing for a mapping": (
        change("{channels: 1, height: 28, width: 28}", ""),
        "2:9",
        ["model.image: has to be a mapping, not nothing"],
    ),
    # a value
    "text for a number": (change("n: 10", "n: ten"), "5:35", ["has to be a whole number, not the text 'ten'"]),
    "quoted number": (change("n: 10", 'n: "10"'), "5:35", ["has to be a whole number, not the text '10'"]),
    "true for a number": (change("n: 10", "n: true"), "5:35", ["has to be a whole number, not true"]),
    "fraction for a whole number": (change("n: 10", "n: 10.5"), "5:35", ["has to be a whole number, not 10.5"]),
    "number for text": (
        change("data: {kind: mnist}", "data: {kind: mnist, root: 3}"),
        "13:27",
        ["data.root: has to be text, not 3"],
    ),
    "n of 1": (change("n: 10", "n: 1"), "5:35", ["model.codes.digit.n: has to be at least 2, not 1"]),
    "no steps": (change("5000", "0"), "14:19", ["training.steps: has to be at least 1, not 0"]),
    "negative rate": (
        change("steps: 5000", "d_lr: -1.0e-4"),
        "14:18",
        ["training.d_lr: has to be above 0.0, not -0.0001"],
    ),
    "negative weight": (
        change("kind: non_saturating", "kind: non_saturating, weight: -1"),
        "11:49",
        ["model.losses.adversarial.weight: has to be at least 0.0, not -1"],
    ),
    "negative weight of a code": (
        change("{slant: 0.1}", "{slant: -0.1}"),
        "12:60",
        ["model.losses.information.codes.slant: has to be at least 0.0, not -0.1"],
    ),
    "too large": (
        change("leak: 0.1}\n  head", "leak: 1}\n  head"),
        "8:29",
        ["model.body.leak: has to be below 1.0, not 1"],
    ),
    "no such choice": (
        change("steps: 5000", "precision: fp16"),
        "14:23",
        ["training.precision: has to be 'fp32', 'tf32' or 'bf16', not the text 'fp16'"],
    ),
    "no such device": (
        change("steps: 5000", "device: gpu"),
        "14:20",
        ["training.device: has to match", "not the text 'gpu'"],
    ),
    "none of a union": (
        change("high: 1}", "high: 1, q_std: fixed}"),
        "6:53",
        ["model.codes.slant.q_std: has to be 'learned', or a number, not the text 'fixed'"],
    ),
    "out of a union's range": (
        change("high: 1}", "high: 1, q_std: -1}"),
        "6:53",
        ["model.codes.slant.q_std: has to be 'learned', or above 0.0, not -1"],
    ),
    "too short a list": (
        change("[0.5, 0.999]", "[0.5]"),
        "14:42",
        ["training.betas: has too few entries: 1 instead of 2"],
    ),
    "empty list": (change("[0.5, 0.999]", "[]"), "14:42", ["training.betas: has too few entries: 0 instead of 2"]),
    "too long a list": (
        change("[0.5, 0.999]", "[0.5, 0.9, 0.999]"),
        "14:42",
        ["training.betas: has too many entries: 3 instead of at most 2"],
    ),
    "text in a list": (
        change("[0.5, 0.999]", '[0.5, "0.999"]'),
        "14:55",
        ["training.betas.1: has to be a number, not the text '0.999'"],
    ),
    "too few labels": (
        change("n: 10", "n: 10, labels: [zero, one]"),
        "5:39",
        ["model.codes.digit.labels: ", "10 values", "['zero', 'one']"],
    ),
    "low above high": (
        change("low: -1", "low: 2"),
        "6:42",
        ["model.codes.slant.high: has to be above low, 2.0, not 1.0"],
    ),
    "low above the default of high": (
        change("low: -1, high: 1", "low: 2"),
        "6:5",
        ["model.codes.slant.high: has to be above low, 2.0, not 1.0"],
    ),
    # what has to fit together
    "code named as a keyword": (
        change("digit:", "class:"),
        "5:5",
        ["model.codes.class: 'class' is no code name: it has to be a Python identifier"],
    ),
    "code named as an argument": (change("digit:", "n:"), "5:5", ["model.codes.n: 'n' is no code name", "sample"]),
    "code named by two words": (change("digit:", "two words:"), "5:5", ["model.codes.two words: ", "identifier"]),
    "no codes": (change(CODES, "codes: {}\n"), "4:3", ["model.codes: has too few entries: 0 instead of at least 1"]),
    "no losses": (
        change(LOSSES, "losses: {}\n"),
        "10:3",
        ["model.losses: has too few entries: 0 instead of at least 1"],
    ),
    "weight of no code": (
        change("{slant: 0.1}", "{slnat: 0.1}"),
        "12:60",
        ["model.losses.information.codes.slnat: no code is named 'slnat'; known: digit, slant. Did you mean 'slant'?"],
    ),
    "channels other than the data's": (
        change("channels: 1", "channels: 3"),
        "2:3",
        ["model.image: ", "3x28x28", "'mnist'", "1x28x28"],
    ),
    "an image that is a word": (
        change("{channels: 1, height: 28, width: 28}", "automatic"),
        "2:10",
        ["model.image: has to be a mapping with channels, height and width, or auto", "not 'automatic'"],
    ),
    "an image of data that are wrong": (
        change("{channels: 1, height: 28, width: 28}", "auto").replace("data: {kind: mnist}", "data: {kind: nist}"),
        "13:14",
        ["data.kind: ", "'nist'", "Did you mean 'mnist'"],
    ),
    "size other than the data's": (change("height: 28", "height: 32"), "2:3", ["model.image: ", "1x32x28", "1x28x28"]),
    "range other than the generator's": (
        change("data: {kind: mnist}", "data: {kind: mnist, range: [-1, 1]}"),
        "13:21",
        ["data.range: ", "[-1.0, 1.0]", "'mnist'", "[0.0, 1.0]"],
    ),
    "range from high to low": (
        change("data: {kind: mnist}", "data: {kind: mnist, range: [1, 0]}"),
        "13:21",
        ["data.range: ", "low to high, such as [0, 1]"],
    ),
    # the text
    "not a number": (
        change("leak: 0.1}\n  head", "leak: .nan}\n  head"),
        "8:29",
        ["model.body.leak: .nan is ambiguous", "finite"],
    ),
    "infinity": (
        change("leak: 0.1}\n  head", "leak: .inf}\n  head"),
        "8:29",
        ["model.body.leak: .inf is ambiguous", "finite"],
    ),
    "overflow": (
        change("leak: 0.1}\n  head", "leak: 1e999}\n  head"),
        "8:29",
        ["model.body.leak: the number 1e999 is too large"],
    ),
    "huge whole number": (
        change("5000", "9" * 5000),
        "14:19",
        ["training.steps: the whole number 999", "has more than 64 bits"],
    ),
    "octal": (change("5000", "017"), "14:19", ["training.steps: 017 is ambiguous", "decimal"]),
    "hexadecimal": (change("5000", "0x1F"), "14:19", ["training.steps: 0x1F is ambiguous", "decimal"]),
    "sexagesimal": (change("5000", "12:30"), "14:19", ["training.steps: 12:30 is ambiguous", "quotes"]),
    "date": (
        change("kind: mnist}\ntr", "kind: mnist, root: 2024-01-01}\ntr"),
        "13:27",
        ["data.root: 2024-01-01 is ambiguous", "quotes"],
    ),
    "no": (
        change("data: {kind: mnist}", "data: {kind: mnist, root: no}"),
        "13:27",
        ["data.root: no is ambiguous", "true, false"],
    ),
    "alias bomb": (BOMB, "1:4", ["anchors and aliases are not allowed; write the value out"]),
    "alias": (change("head: {kind: mlp, leak: 0.1}", "head: *mlp"), "9:9", ["anchors and aliases are not allowed"]),
    "tag": (
        change("data: {kind: mnist}", "data: !!python/object/apply:os.system [ls]"),
        "13:7",
        ["the tag tag:yaml.org,2002:python/object/apply:os.system is not allowed"],
    ),
    "merge key": (
        change("n: 10", "<<: {n: 10}"),
        "5:32",
        ["model.codes.digit: merge keys are not allowed; write the values out"],
    ),
    "list for a key": (change("n: 10", "? [n] : 10"), "5:34", ["model.codes.digit: a key has to be text"]),
    "tab": (change("  noise", "\tnoise"), "3:1", ["is no YAML: ", "indent with spaces, not with tabs"]),
    "unclosed list": (change("0.999]}", "0.999"), "15:1", ["is no YAML: ", "']'"]),
    "two documents": (RIGHT + "---\n" + RIGHT, "15:1", ["a second document begins; a spec is a single one"]),
    "100 levels": ("model: " + "[" * 100 + "]" * 100, "1:71", ["is nested more than 64 levels deep"]),
    "100,000 levels": ("[" * 100_000, "1:65", ["is nested more than 64 levels deep"]),
    "control character": (change("digit", "di\x07git"), "5:7", ["is no YAML: the character U+0007 is not allowed"]),
    "half a character": (change("mnist}\ntr", 'mnist, root: "\\ud800"}\ntr'), "13:27", ["half of a surrogate pair"]),
    "no character": (
        change("mnist}\ntr", 'mnist, root: "\\UFFFFFFFF"}\ntr'),
        "13:30",
        ["is no YAML: a number here stands for nothing that there is"],
    ),
    "empty": ("", "1:1", ["has nothing in it; a spec is a mapping with the keys model, data and training"]),
    "only a comment": ("# nothing\n", "1:1", ["has nothing in it; a spec is a mapping"]),
    "list at the top": (
        "- model\n- data\n",
        "1:1",
        ["is a list; a spec is a mapping with the keys model, data and training"],
    ),
    "over 1 MiB": (RIGHT + "#" * (1 << 20), "1:1", ["is larger than 1048576 bytes"]),
}


def message_of(text: str) -> str:
    """What is said of a wrong spec."""
    with pytest.raises(SpecError) as caught:
        validate(parse(text, "spec.yaml"), REGISTRY)
    message = str(caught.value)
    assert len(message.encode()) <= 2000
    assert all(line.isprintable() for line in message.split("\n"))
    return message


def test_the_base_is_right() -> None:
    assert validate(parse(RIGHT, "spec.yaml"), REGISTRY).training.steps == 5000


@pytest.mark.parametrize("name", WRONG)
def test_one_mistake_is_one_clear_line(name: str) -> None:
    text, place, says = WRONG[name]
    message = message_of(text)
    assert message.startswith(f"spec.yaml:{place}: ")
    assert len(message.splitlines()) == 1
    for words in says:
        assert words in message


def test_three_mistakes_are_three_lines() -> None:
    text = change("n: 10", "n: 1").replace("kind: mlp", "kind: mpl").replace("steps: 5000", "stepz: 5000")
    lines = message_of(text).splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["spec.yaml:5:35", "model.codes.digit.n"],
        ["spec.yaml:9:16", "model.head.kind"],
        ["spec.yaml:14:12", "training.stepz"],
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (change("n: 10", f"n: 90, labels: [{', '.join(['1'] * 90)}]"), 20),  # short lines, as many as are allowed
        (change("steps: 5000", ", ".join(f"option{i}: {i}" for i in range(90))), 7),  # as many as there is room for
    ],
)
def test_ninety_mistakes_are_cut_short(text: str, named: int) -> None:
    *lines, last = message_of(text).splitlines()
    assert len(lines) == named
    assert last == f"and {90 - named} more"


def test_a_network_that_cannot_make_the_pictures_is_named(registry: Registry) -> None:
    text = change("height: 28, width: 28", "height: 8, width: 8").replace("data: {kind: mnist}", "data: {kind: tiny}")
    with pytest.raises(SpecError) as caught:
        validate(parse(text, "spec.yaml"), registry)
    assert str(caught.value) == ("spec.yaml:7:3: model.generator: the mnist networks are for 28x28 pictures, not 8x8")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (RIGHT.replace("digit", "größe").encode("latin-1"), ":5:7: is not UTF-8 text"),
        (b"#" * (1 << 20) + b"#", ": is larger than 1048576 bytes"),
        (RIGHT.encode("utf-16"), ":1:1: is not UTF-8 text"),
    ],
    ids=["latin-1", "over 1 MiB", "utf-16"],
)
def test_a_file_that_is_no_text(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "spec.yaml"
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        read_run(path, registry=REGISTRY)
    assert str(caught.value) == f"{path}{says}"


@pytest.mark.parametrize(("name", "says"), [("none.yaml", "No such file"), ("", "Is a directory")])
def test_a_file_that_cannot_be_read(tmp_path: Path, name: str, says: str) -> None:
    with pytest.raises(SpecError, match=f"cannot be read: {says}"):
        read_run(tmp_path / name, registry=REGISTRY)


def test_an_attack_is_answered_at_once() -> None:
    began = time.thread_time()
    for text in (
        BOMB,
        "[" * 100_000,
        "{" * 100_000,
        "- " * 100_000,
        "? " * 100_000,
        "{a: " * 100_000,
        "a: " + "9" * 100_000,
    ):
        assert len(message_of(text)) < 200
    assert time.thread_time() - began < 5


def test_validation_takes_a_moment() -> None:
    spec = parse(RIGHT, "spec.yaml")
    taken = []
    for _ in range(5):
        began = time.thread_time()
        validate(spec, REGISTRY)
        taken.append(time.thread_time() - began)
    assert min(taken) < 0.2


@pytest.mark.parametrize("name", WRONG)
def test_the_command_line_says_it_without_a_traceback(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command_line: Any = pytest.importorskip("infogan.app.command_line")
    path = tmp_path / "spec.yaml"
    path.write_text(WRONG[name][0], encoding="utf-8")
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # which `main` replaces
    monkeypatch.setattr("sys.argv", ["infogan", "validate", str(path)])
    with pytest.raises(SystemExit) as ended:
        command_line.main()
    assert ended.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"infogan: {path}:")
    assert len(printed.err.splitlines()) == 1
