"""A spec is data: whatever is in it, checking it executes nothing, reads no other file, and says what is wrong.

Each case is a sound spec with one piece of its text replaced, or another text altogether.
"""

from __future__ import annotations

import re
import struct
import time
import warnings
import zlib
from pathlib import Path

import pytest

from infogan import ImageShape, Registry
from infogan.app import command_line
from infogan.app.runs import read_image
from infogan.files.strict_yaml import SpecError
from infogan.training.spec_text import read_run

REGISTRY = Registry(entry_points=False)

SOUND = """\
model:
  image: {channels: 1, height: 8, width: 8}
  noise: {kind: normal, size: 2}
  codes:
    smile: {kind: bernoulli, p: 0.5}
  generator: {kind: dcgan, width: 1}
  body: {kind: dcgan, width: 1, hidden: 3}
  head: {kind: linear}
  losses:
    game: {kind: non_saturating}
    information: {kind: mutual_information}
data: {kind: folder, folder: pictures, channels: 1, height: 8, width: 8}
training: {steps: 10}
"""

ESCAPE = '"\\e[2J\\e]0;you\\a"'
"""Clears the screen and renames the window."""

VALID = ""
"""What is said of a spec that is odd and harmless."""

MEMORY = 200 << 20
SECONDS = 5.0


def with_(old: str, new: str) -> str:
    assert SOUND.count(old) == 1
    return SOUND.replace(old, new)


def many(form: str, count: int) -> str:
    """A mapping or list of that many entries, in which ``#`` is the number of each."""
    return ", ".join(form.replace("#", str(i)) for i in range(count))


LAUGHS = "a: &a [x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join('*' + chr(97 + i) for _ in range(9))}]\n" for i in range(9)
)

SPECS: dict[str, tuple[str | bytes, str]] = {
    # YAML that does more than to name values
    "tag of a call": (with_("10}", "!!python/object/apply:os.system [ls]}"), "the tag .* is not allowed"),
    "tag of a name": (with_("10}", "!!python/name:os.system ''}"), "the tag .* is not allowed"),
    "tag of a module": (with_("10}", "!!python/module:os ''}"), "the tag .* is not allowed"),
    "tag of an object": (with_("10}", "!!python/object/new:os.system [ls]}"), "the tag .* is not allowed"),
    "tag of one's own": ("%TAG ! tag:evil,2024:\n---\n!x {}", "the tag tag:evil,2024:x is not allowed"),
    "harmless tag": (with_("10}", "!!int 10}"), "the tag .* is not allowed"),
    "anchor": (with_("10}", "&a 10}"), "anchors and aliases are not allowed"),
    "alias": (with_("10}", "*a}"), "anchors and aliases are not allowed"),
    "billion laughs": (LAUGHS, "anchors and aliases are not allowed"),
    "alias of itself": ("a: &a [*a]", "anchors and aliases are not allowed"),
    "merge key": (with_("steps: 10", "<<: {steps: 10}"), "merge keys are not allowed"),
    "key there twice": (with_("steps: 10", "steps: 10, steps: 20"), "is there twice"),
    "mapping for a key": (with_("steps: 10", "? {a: 1} : 10"), "a key has to be text"),
    "two documents": (SOUND + "---\n" + SOUND, "a second document begins"),
    "directive of another YAML": ("%YAML 9.9\n---\n" + SOUND, "is no YAML"),
    # what is no text
    "pickle": (b"\x80\x04\x95\x1a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system", "is not UTF-8 text"),
    "zeros": (b"\0" * 100, "the character U\\+0000 is not allowed"),
    "UTF-16": (SOUND.encode("utf-16"), "is not UTF-8 text"),
    "latin-1": (with_("smile:", "sm\xefle:").encode("latin-1"), "is not UTF-8 text"),
    "byte order mark": (b"\xef\xbb\xbf" + SOUND.encode(), VALID),
    "half a character": (with_("pictures", '"\\ud800"'), "half of a surrogate pair"),
    "control character": (with_("pictures", "a\x1bb"), "U\\+001B is not allowed"),
    "over 1 MiB": (SOUND + "#" * (1 << 20), "larger than 1048576 bytes"),
    # numbers
    "NaN": (with_("p: 0.5", "p: .nan"), "ambiguous"),
    "infinity": (with_("p: 0.5", "p: .inf"), "ambiguous"),
    "1e999": (with_("p: 0.5", "p: 1e999"), "too large"),
    "5,000 digits": (with_("10}", "9" * 5000 + "}"), "more than 64 bits"),
    "hexadecimal": (with_("10}", "0xFFFFFFFFFFFFFFFFFFFF}"), "ambiguous"),
    "10**12 pixels": (
        with_("height: 8, width: 8}\n  noise", "height: 1000000000000, width: 8}\n  noise"),
        "at most 4096",
    ),
    "10**9 layers": (with_("dcgan, width: 1, hidden: 3", "dcgan, width: 1000000000, hidden: 3"), "at most 1024"),
    "widest layer": (with_("{kind: linear}", "{kind: mlp, hidden: 9223372036854775807}"), "at most 65536"),
    "widest code": (with_("bernoulli, p: 0.5", "categorical, n: 9223372036854775807"), "at most 10000"),
    "giant networks": (
        SOUND.replace("8, width: 8}", "4096, width: 4096}").replace("dcgan, width: 1", "dcgan, width: 1024"),
        "model.generator: 'dcgan' has .* weights; a whole model may have 1,073,741,824",
    ),
    "device of many digits": (
        with_("steps: 10", "device: 'cuda:99999999999999999999'"),
        "training.device: has to match",
    ),
    "device of foreign digits": (with_("steps: 10", "device: 'cuda:\u0663'"), "training.device: has to match"),
    # depth and number
    "100 levels": (with_("10}", "[" * 100 + "]" * 100 + "}"), "nested more than 64 levels"),
    "100,000 levels": ("[" * 100_000, "nested more than 64 levels"),
    "100,000 levels of keys": ("{a: " * 100_000, "nested more than 64 levels"),
    "500,000 values": (with_("steps: 10", "betas: [" + "1," * 499_000 + "]"), "more than the 10000 values"),
    "12,000 keys": (with_("steps: 10", many("k#: 1", 12_000)), "more than the 10000 values"),
    "9,000 keys": (with_("steps: 10", many("k#: 1", 9000)), "there is no 'k0' here(.|\\n)*and more"),
    "9,000 odd labels": (with_("bernoulli, p: 0.5", f"categorical, n: 9, labels: [{many('1', 9000)}]"), "and more"),
    "3,000 weights": (
        with_("mutual_information", f"mutual_information, codes: {{{many('k#: -1', 3000)}}}"),
        "at least 0",
    ),
    "1,000 codes": (
        with_("smile: {kind: bernoulli, p: 0.5}", f"{{{many('k#: {kind: normal}', 1000)}}}"),
        "too many entries: 1000",
    ),
    "1,000 terms": (
        with_(
            "game: {kind: non_saturating}",
            "game: {kind: hinge}\n" + "".join(f"    t{i}: {{kind: hinge}}\n" for i in range(1000)),
        ),
        "too many entries: 1002",
    ),
    "256 codes": (with_("smile: {kind: bernoulli, p: 0.5}", f"{{{many('k#: {kind: normal}', 256)}}}"), VALID),
    # kinds, options and names
    "os.system": (with_("kind: linear", "kind: os.system"), "no head is of kind 'os.system'"),
    "builtins:eval": (with_("kind: linear", "kind: 'builtins:eval'"), "no head is of kind 'builtins:eval'"),
    "torch.load": (with_("kind: linear", "kind: torch.load"), "no head is of kind 'torch.load'"),
    "__class__": (with_("kind: linear", "kind: __class__"), "no head is of kind '__class__'"),
    "kind that looks alike": (with_("kind: linear", "kind: l\u0456near"), "Did you mean 'linear'"),
    "kind that clears the screen": (with_("kind: linear", f"kind: {ESCAPE}"), r"kind '\\x1b\[2J"),
    "kind of two lines": (with_("kind: linear", 'kind: "a\\nspec.yaml:1:1: b"'), r"kind 'a\\nspec"),
    "kind from right to left": (with_("kind: linear", 'kind: "\\u202eraenil"'), r"kind '\\u202eraenil'"),
    "kind of 100,000 characters": (with_("kind: linear", "kind: " + "x" * 100_000), r"kind 'xxx.*\.\.\.; known"),
    "kinds of two roles": (with_("kind: linear", "kind: non_saturating"), "no head is of kind 'non_saturating'"),
    "list for a kind": (with_("kind: linear", "kind: [linear]"), "model.head.kind: has to be text"),
    "option __init__": (with_("kind: linear", "kind: linear, __init__: x"), "there is no '__init__' here"),
    "option model_config": (
        with_("kind: linear", "kind: linear, model_config: {extra: allow}"),
        "there is no 'model_config'",
    ),
    "option role": (with_("kind: linear", "kind: linear, role: code"), "there is no 'role' here"),
    "option that clears the screen": (with_("steps: 10", f"{ESCAPE}: 1"), r"there is no '\\x1b\[2J"),
    "value of format": (
        with_("kind: dcgan, width: 1}", "kind: dcgan, output: '{0.__class__}'}"),
        "has to be 'sigmoid' or 'tanh'",
    ),
    "code that is a path": (with_("smile: {", '"../../x": {'), r"'\.\./\.\./x' is no code name"),
    "code __class__": (with_("smile: {", "__class__: {"), "'__class__' is no code name"),
    "code that Python reads as n": (with_("smile: {", "\uff4e: {"), "is no code name: Python reads it as 'n'"),
    "code of 65 letters": (with_("smile: {", "x" * 65 + ": {"), "is no code name"),
    "term that clears the screen": (with_("game: {", f"{ESCAPE}: {{"), r"\\x1b\[2J.* is no name"),
    "weight of no code": (
        with_("mutual_information", f"mutual_information, codes: {{{ESCAPE}: 1}}"),
        r"no code is named '\\x1b\[2J",
    ),
    # paths, which checking does not follow
    "folder of the system": (with_("pictures", "/etc"), VALID),
    "folder above": (with_("pictures", "../../.."), VALID),
    "folder at home": (with_("pictures", "~root"), VALID),
    "folder of a zero": (with_("pictures", '"a\\0b"'), VALID),
    "class that is a path": (
        with_("folder: pictures", "folder: x, classes: [a, ../b]"),
        "'../b' has to be the name of a sub-folder",
    ),
    "root of data elsewhere": (
        SOUND.replace("8, width: 8}", "28, width: 28}").replace(
            "{kind: folder, folder: pictures, channels: 1, height: 28, width: 28}", "{kind: mnist, root: /etc}"
        ),
        VALID,
    ),
}


@pytest.fixture(scope="module", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever checking a spec imports is imported by then."""
    path = tmp_path_factory.mktemp("sound") / "spec.yaml"
    for text in (
        SOUND,
        with_("kind: linear", "kind: linaer"),
        SOUND.replace("dcgan", "resnet").replace("width: 1", "width: 8"),
    ):
        path.write_text(text)
        try:
            read_run(path, registry=REGISTRY)
        except SpecError:
            continue


@pytest.mark.parametrize("name", SPECS)
def test_nothing_is_executed_or_read_and_one_error_says_what_is_wrong(name, tmp_path, watchman, peak_memory):
    text, says = SPECS[name]
    path = tmp_path / "spec.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    message = VALID
    with watchman.over(path) as seen:
        began = time.thread_time()
        try:
            read_run(path, registry=REGISTRY)
        except SpecError as error:
            message = str(error)
        taken = time.thread_time() - began
    assert not seen
    assert bool(message) == bool(says)
    assert re.search(says, message), message
    assert message == VALID or message.startswith(f"{path}:")
    assert all(line.isprintable() for line in message.split("\n"))
    assert len(message.encode()) <= 2000
    assert taken < SECONDS
    assert peak_memory() < MEMORY


@pytest.mark.parametrize("name", [name for name in SPECS if "screen" in name])
def test_a_terminal_is_shown_no_control_characters(name, tmp_path, monkeypatch, capsys):
    path = tmp_path / "spec\x1b[2J.yaml"
    path.write_text(str(SPECS[name][0]))
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)  # which `main` replaces
    monkeypatch.setattr("sys.argv", ["infogan", "validate", str(path)])
    with pytest.raises(SystemExit):
        command_line.main()
    printed = capsys.readouterr()
    assert printed.err
    assert all(line.isprintable() for line in (printed.out + printed.err).split("\n"))


def test_the_name_of_a_file_is_data_too(tmp_path):
    for name in ("\x1b[2J.yaml", "\x1b[2J/none.yaml"):
        with pytest.raises(SpecError, match=r"\\x1b\[2J.*cannot be read") as caught:
            read_run(tmp_path / name, registry=REGISTRY)
        assert str(caught.value).isprintable()


def test_a_setting_is_no_code(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text(SOUND)
    for setting in ("training.steps=!!python/name:os.system ''", f"training.{ESCAPE}=1", "model.__class__=1", "a=*b"):
        with pytest.raises(SpecError) as caught:
            read_run(path, [setting], REGISTRY)
        assert str(caught.value).isprintable()


# pictures, which `infogan encode` reads


def png(width: int, height: int) -> bytes:
    """A gray PNG of which the header alone says how large it is."""
    parts = {
        b"IHDR": struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0),
        b"IDAT": zlib.compress(b"\0" * 100),
        b"IEND": b"",
    }
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts.items()
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n(x) print\n%%EOF\n"

PICTURES = {
    "a program in PostScript": (EPS, "cannot be read as a picture"),
    "a pickle": (b"\x80\x04cos\nsystem\n", "cannot be read as a picture"),
    "10**8 pixels": (png(12_000, 12_000), "is 12000x12000, but the model reads 8x8"),
    "10**18 pixels": (png(2**30, 2**30), "cannot be read as a picture"),
    "a picture cut off": (png(8, 8)[:45], "cannot be read as a picture"),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_data(name, tmp_path, watchman, peak_memory):
    content, says = PICTURES[name]
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="cannot be read"):  # whatever decoding imports is imported by then
        read_image(Path(__file__), ImageShape(channels=1, height=8, width=8))
    with watchman.over(path) as seen, pytest.raises(ValueError, match=says):
        read_image(path, ImageShape(channels=1, height=8, width=8))
    assert not seen
    assert peak_memory() < 64 << 20
