"""A model folder is data: whatever is in it, loading it executes nothing, and says in one error what is wrong.

Each case is a sound model folder that something was done to. A forger writes size and sum to match, so `forged` does.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import re
import shutil
import struct
import time
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

import infogan
from infogan import ImageShape, ModelSpec, Registry
from infogan.files.storage import StorageError
from infogan.model.build import WEIGHTS_LIMIT
from infogan.plugins.codes import Bernoulli
from infogan.plugins.dcgan import DcganBody, DcganGenerator
from infogan.plugins.heads import Linear
from infogan.plugins.losses import NonSaturating
from infogan.plugins.noises import NormalNoise

REGISTRY = Registry(entry_points=False)
MODEL, WEIGHTS = "model.json", "weights.safetensors"

LOADS = ""
"""What is said of a folder that is odd and harmless."""

MEMORY = 64 << 20
"""Bytes that a refusal may take, and the loading of a model of a thousand weights."""

SECONDS = 5.0
"""Of processor time."""

Spoil = Callable[[Path], object]


class Bomb:
    """Unpickled, it would make a file."""

    def __reduce__(self) -> Any:
        return os.mkdir, ("it-was-executed",)


PICKLE = pickle.dumps({"state_dict": OrderedDict(x=Bomb())})


def zipped(content: bytes) -> bytes:
    """What `torch.save` makes: an archive with a pickle in it."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        archive.writestr("archive/data.pkl", content)
    return whole.getvalue()


def manifest(content: bytes) -> Spoil:
    """The manifest is these bytes."""
    return lambda folder: (folder / MODEL).write_bytes(content)


def changed(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """The manifest is changed as a Python object."""

    def spoil(folder: Path) -> None:
        data = json.loads((folder / MODEL).read_text())
        change(data)
        (folder / MODEL).write_text(json.dumps(data))

    return spoil


def spec(path: str, value: Any) -> Spoil:
    """One value of the spec is set."""

    def change(data: dict[str, Any]) -> None:
        *outer, last = path.split(".")
        inner = data["spec"]
        for key in outer:
            inner = inner[key]
        inner[last] = value

    return changed(change)


def sound(text: str, instead: str) -> Spoil:
    """A piece of the manifest's text is replaced."""

    def spoil(folder: Path) -> None:
        before = (folder / MODEL).read_text()
        assert text in before
        (folder / MODEL).write_text(before.replace(text, instead, 1))

    return spoil


def forged(make: Callable[[bytes], bytes]) -> Spoil:
    """The weights are made of the sound ones, and size and sum in the manifest are those of what was made."""

    def spoil(folder: Path) -> None:
        blob = make((folder / WEIGHTS).read_bytes())
        (folder / WEIGHTS).write_bytes(blob)
        stamp = {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}
        changed(lambda data: data.update(weights=stamp))(folder)

    return spoil


def header(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """The header of the weights is changed as a Python object."""

    def make(blob: bytes) -> bytes:
        length = int.from_bytes(blob[:8], "little")
        fields = json.loads(blob[8 : 8 + length])
        change(fields)
        text = json.dumps(fields).encode()
        return struct.pack("<Q", len(text)) + text + blob[8 + length :]

    return forged(make)


def twice(blob: bytes) -> bytes:
    """The first tensor is named twice in the header, the second time with another shape."""
    length = int.from_bytes(blob[:8], "little")
    name = min(json.loads(blob[8 : 8 + length]))
    again = {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}
    text = blob[8 : 8 + length].rstrip()[:-1] + f', "{name}": {json.dumps(again)}}}'.encode()
    return struct.pack("<Q", len(text)) + text + blob[8 + length :]


def replaced(name: str, make: Callable[[Path], object]) -> Spoil:
    """A file is something else than a file."""

    def spoil(folder: Path) -> None:
        (folder / name).unlink()
        make(folder / name)

    return spoil


def linked(name: str, target: str) -> Spoil:
    return replaced(name, lambda path: path.symlink_to(target))


def beside(name: str, content: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(content)


def moved_away(folder: Path) -> None:
    """As a cache of downloads has it: what a folder holds are links to files elsewhere."""
    blobs = folder.parent / "blobs"
    blobs.mkdir()
    for name in (MODEL, WEIGHTS):
        shutil.move(folder / name, blobs / name)
        (folder / name).symlink_to(Path("..", "blobs", name))


def sparse(size: int, begin: bytes | None = None) -> Spoil:
    """The weights seem to have that many bytes, most of which take no room on disk."""

    def spoil(folder: Path) -> None:
        if begin is not None:
            (folder / WEIGHTS).write_bytes(begin)
        os.truncate(folder / WEIGHTS, size)
        changed(lambda data: data["weights"].update(bytes=size))(folder)

    return spoil


def first(fields: dict[str, Any]) -> dict[str, Any]:
    """The first tensor of a header."""
    return fields[min(fields)]


def giant(data: dict[str, Any]) -> None:
    """Networks of the largest size, for the largest pictures."""
    data["spec"].update(
        image={"channels": 3, "height": 4096, "width": 4096},
        noise={"kind": "normal", "size": 65536},
        generator={"kind": "dcgan", "width": 1024},
        body={"kind": "resnet", "width": 4096},
    )


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


ESCAPE = "\x1b[2J\x1b]0;you\x07"
OTHER_END = WEIGHTS_LIMIT * 4

FOLDERS: dict[str, tuple[Spoil, str]] = {
    # the manifest as bytes
    "pickle for a manifest": (manifest(PICKLE), "is no JSON"),
    "archive for a manifest": (manifest(zipped(PICKLE)), "is no JSON"),
    "nothing for a manifest": (manifest(b""), "is no JSON"),
    "zeros": (manifest(b"\0" * 100), "is no JSON"),
    "a zero within": (sound('"schema_version"', '"schema\0version"'), "is no JSON: Invalid control character"),
    "byte order mark": (manifest(b"\xef\xbb\xbf{}"), "is no JSON"),
    "UTF-16": (manifest("{}".encode("utf-16")), "is no JSON"),
    "no UTF-8": (manifest(b'{"a": "\xff"}'), "is no JSON"),
    "YAML": (manifest(b"format: 1\nspec: !!python/object/apply:os.system [ls]"), "is no JSON"),
    "python": (manifest(b"__import__('os').system('ls')"), "is no JSON"),
    "100 levels": (manifest(nested(100)), "nested more than 64 levels"),
    "100,000 levels": (manifest(nested(100_000)), "is no JSON"),
    "100,000 lists": (manifest(b'{"a": ' + b"[" * 100_000), "is no JSON"),
    "300,000 values": (manifest(b'{"a": [' + b"1," * 300_000 + b"1]}"), "more than 20000 values"),
    "over 1 MiB": (manifest(b"{}" + b" " * (1 << 20)), "larger than 1048576 bytes"),
    "NaN": (sound('"schema_version": 1', '"schema_version": NaN'), "NaN is no number of JSON"),
    "Infinity": (sound('"schema_version": 1', '"schema_version": Infinity'), "Infinity is no number of JSON"),
    "-Infinity": (sound('"schema_version": 1', '"schema_version": -Infinity'), "-Infinity is no number of JSON"),
    "5,000 digits": (sound('"schema_version": 1', '"schema_version": ' + "9" * 5000), "is no JSON: Exceeds the limit"),
    "4,000 digits": (
        sound('"schema_version": 1', '"schema_version": ' + "9" * 4000),
        "schema version a far greater one is newer",
    ),
    "key there twice": (
        sound('"schema_version": 1', '"schema_version": 2, "schema_version": 1'),
        "the key 'schema_version' is there twice",
    ),
    "last of 80,000 keys there twice": (
        manifest(json.dumps({f"k{i}": 0 for i in range(80_000)})[:-1].encode() + b', "k79999": 0}'),
        "the key 'k79999' is there twice",
    ),
    "list at the top": (manifest(b"[1]"), "has to be a JSON object"),
    "text at the top": (manifest(b'"os.system"'), "has to be a JSON object"),
    # the manifest as a file
    "no manifest": (lambda folder: (folder / MODEL).unlink(), "no such file"),
    "pipe for a manifest": (replaced(MODEL, os.mkfifo), "is no file"),
    "folder for a manifest": (replaced(MODEL, os.mkdir), "is no file"),
    "link to itself": (linked(MODEL, MODEL), "no such file"),
    "link to nowhere": (linked(MODEL, "/nowhere"), "no such file"),
    "link to zeros": (linked(MODEL, "/dev/zero"), "is no file"),
    "link to the environment": (linked(MODEL, "/proc/self/environ"), "is no JSON|no such file"),
    "link to the weights": (linked(MODEL, WEIGHTS), "is no JSON|larger than"),
    "links to files elsewhere": (moved_away, LOADS),
    # what it says beside the spec
    "schema version 2": (changed(lambda data: data.update(schema_version=2)), "version 2 is newer than 1"),
    "version of lists": (changed(lambda data: data.update(schema_version=[[]] * 999)), r"not \[\[\], .*\.\.\."),
    "version that clears the screen": (changed(lambda data: data.update(schema_version=ESCAPE)), r"not '\\x1b\[2J"),
    "no schema version": (changed(lambda data: data.pop("schema_version")), "schema version has to be 1, not None"),
    "no spec": (changed(lambda data: data.pop("spec")), "spec: "),
    "list for a spec": (changed(lambda data: data.update(spec=[])), "spec: "),
    "nothing of the weights": (changed(lambda data: data.pop("weights")), "says nothing of its weights"),
    "text for weights": (changed(lambda data: data.update(weights="x")), "says nothing of its weights"),
    "infinite weights": (sound('"bytes": ', '"bytes": 1e999, "size": '), "bytes, and the manifest says inf"),
    "no sum": (changed(lambda data: data["weights"].pop("sha256")), "damaged: its SHA-256"),
    "odd providers": (changed(lambda data: data.update(provided_by=[1, {}])), LOADS),
    "providers that clear the screen": (
        changed(lambda data: (data["spec"]["body"].update(kind="x"), data["provided_by"].update(body=ESCAPE))),
        r"distribution '\\x1b\[2J",
    ),
    "more keys than are read": (changed(lambda data: data.update(code="import os", __init__="x")), LOADS),
    # the spec
    "os.system": (spec("generator.kind", "os.system"), "generator.kind: no generator is of kind 'os.system'"),
    "builtins:eval": (spec("generator.kind", "builtins:eval"), "no generator is of kind 'builtins:eval'"),
    "torch.load": (spec("body.kind", "torch.load"), "no body is of kind 'torch.load'"),
    "__class__": (spec("head.kind", "__class__"), "no head is of kind '__class__'"),
    "path of a kind": (spec("noise.kind", "../../x"), r"no noise is of kind '\.\./\.\./x'"),
    "kind that is its module": (spec("body.kind", "infogan.plugins.dcgan.DcganBody"), "no body is of kind"),
    "kind with its distribution": (spec("body.kind", "infogan:dcgan"), LOADS),
    "kind of another role": (spec("noise.kind", "bernoulli"), "no noise is of kind 'bernoulli'"),
    "kind that looks alike": (spec("body.kind", "d\u0441gan"), "no body is of kind .* Did you mean 'dcgan'"),
    "kind that clears the screen": (spec("body.kind", ESCAPE), r"no body is of kind '\\x1b\[2J"),
    "kind of half a character": (spec("body.kind", "\ud800"), r"body"),
    "kind of 100,000 characters": (spec("body.kind", "x" * 100_000), r"no body is of kind 'xxx.*\.\.\.; known"),
    "list for a kind": (spec("body.kind", ["dcgan"]), "body.kind: has to be text"),
    "number for a kind": (spec("body.kind", 3), "body.kind: has to be text"),
    "list for a part": (spec("body", ["dcgan"]), "body: has to be a mapping"),
    "option __init__": (spec("body.__init__", "x"), "body.__init__: there is no '__init__' here"),
    "option model_config": (spec("body.model_config", {"extra": "allow"}), "there is no 'model_config' here"),
    "option __class__": (spec("body.__class__", "os.system"), "there is no '__class__' here"),
    "option of format": (spec("body.norm", "{0.__class__.__init__.__globals__}"), "body.norm: "),
    "option that clears the screen": (spec(f"body.{ESCAPE}", 1), r"there is no '\\x1b\[2J"),
    "code that is a path": (spec("codes", {"../../x": {"kind": "bernoulli"}}), r"'\.\./\.\./x' is no code name"),
    "code __class__": (spec("codes", {"__class__": {"kind": "bernoulli"}}), "'__class__' is no code name"),
    "code that Python reads as n": (spec("codes", {"\uff4e": {"kind": "bernoulli"}}), "is no code name"),
    "code of two lines": (spec("codes", {"a\nb": {"kind": "bernoulli"}}), r"'a\\nb' is no code name"),
    "term that clears the screen": (spec(f"losses.{ESCAPE}", {"kind": "hinge"}), r"\\x1b\[2J.* is no name"),
    "10,000 codes": (
        spec("codes", {f"c{i}": {"kind": "bernoulli"} for i in range(9_000)}),
        "codes: .*at most 256 items",
    ),
    "10,000 terms": (spec("losses", {f"t{i}": {"kind": "hinge"} for i in range(9_000)}), "at most 64 items"),
    "infinite rate": (sound('"leak": 0.2', '"leak": 1e999'), "body.leak: "),
    "10**12 pixels": (spec("image.height", 10**12), "image.height: "),
    "-1 pixels": (spec("image.width", -1), "image.width: "),
    "10**4000 of noise": (spec("noise.size", 10**4000), "noise.size: "),
    "giant networks": (changed(giant), r"(generator|body): .* weights; a whole model may have 1,073,741,824"),
    "networks that are no match": (spec("generator.output", "tanh"), LOADS),
    "other networks": (spec("body.width", 1000), "tensor .* expected"),
    # the weights as bytes
    "pickle for weights": (forged(lambda blob: PICKLE), "its header has .* too many"),
    "archive for weights": (forged(lambda blob: zipped(PICKLE)), "its header has .* too many"),
    "pickle behind the weights": (forged(lambda blob: blob + PICKLE), "is no safetensors file"),
    "pickle before the weights": (forged(lambda blob: PICKLE + blob), "its header has .* too many"),
    "nothing for weights": (forged(lambda blob: b""), "is no safetensors file"),
    "seven bytes": (forged(lambda blob: b"\0" * 7), "is no safetensors file"),
    "no header": (forged(lambda blob: b"\0" * 8 + blob), "is no safetensors file"),
    "header longer than the file": (
        forged(lambda blob: struct.pack("<Q", 3000) + blob[8:2000]),
        "is no safetensors file",
    ),
    "header of 2**63 bytes": (
        forged(lambda blob: struct.pack("<Q", 2**63) + blob[8:]),
        "has 9223372036854775808 bytes",
    ),
    "header of 90 MB": (sparse(100 << 20, struct.pack("<Q", 90 << 20)), "its header has .* too many"),
    "header of 100,000 levels": (
        forged(lambda blob: struct.pack("<Q", 9000) + b'{"a":' * 1800 + blob[9008:]),
        "is no safetensors file",
    ),
    "header of no text": (forged(lambda blob: blob[:8] + b"\xff" + blob[9:]), "is no safetensors file"),
    # the weights' header
    "type that there is not": (header(lambda fields: first(fields).update(dtype="PICKLE")), "is no safetensors file"),
    "other type": (header(lambda fields: first(fields).update(dtype="I32")), "is torch.int32, expected torch.float32"),
    "overlapping tensors": (
        header(lambda fields: first(fields).update(data_offsets=[4, 8])),
        "is no safetensors file",
    ),
    "tensors behind the end": (
        header(lambda fields: first(fields).update(data_offsets=[0, 2**62])),
        "is no safetensors file",
    ),
    "negative place": (header(lambda fields: first(fields).update(data_offsets=[-4, 4])), "is no safetensors file"),
    "shape of 2**128": (header(lambda fields: first(fields).update(shape=[2**62, 2**62])), "is no safetensors file"),
    "negative shape": (header(lambda fields: first(fields).update(shape=[-1])), "is no safetensors file"),
    "shape of text": (header(lambda fields: first(fields).update(shape="os.system")), "is no safetensors file"),
    "a tensor more": (
        header(lambda fields: fields.update({ESCAPE: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}})),
        r"tensor '\\x1b\[2J.*is \(0,\), expected None",
    ),
    "a tensor with another name": (
        header(lambda fields: fields.update({"../x": fields.pop(min(fields))})),
        "expected None|is None, expected",
    ),
    "a tensor twice": (forged(twice), "is no safetensors file"),
    "odd remarks": (header(lambda fields: fields.update(__metadata__={"format": ESCAPE, "code": "import os"})), LOADS),
    "remarks of no text": (header(lambda fields: fields.update(__metadata__={"a": [1]})), "is no safetensors file"),
    "no number": (forged(lambda blob: blob[:-4] + struct.pack("<f", float("nan"))), LOADS),
    # the weights as a file
    "no weights": (lambda folder: (folder / WEIGHTS).unlink(), "no such file"),
    "pipe for weights": (replaced(WEIGHTS, os.mkfifo), "is no file"),
    "folder for weights": (replaced(WEIGHTS, os.mkdir), "is no file"),
    "weights of noise": (linked(WEIGHTS, "/dev/urandom"), "is no file"),
    "weights of zeros": (linked(WEIGHTS, "/dev/zero"), "is no file"),
    "weights that are the memory": (linked(WEIGHTS, "/proc/kcore"), "bytes, and the manifest says|no such file|is no"),
    "weights that are the manifest": (linked(WEIGHTS, MODEL), "bytes, and the manifest says"),
    "a byte less": (lambda folder: os.truncate(folder / WEIGHTS, 999), "999 bytes, and the manifest says"),
    "1 TB, sparse": (sparse(1 << 40), "is no safetensors file"),
    "8 EB that are claimed": (
        changed(lambda data: data["weights"].update(bytes=2**63)),
        "bytes, and the manifest says 9223372036854775808",
    ),
    # what lies beside
    "weights.bin": (beside("weights.bin", PICKLE), LOADS),
    "model.pt and model.pkl": (lambda folder: [beside(f"model.{x}", PICKLE)(folder) for x in ("pt", "pkl")], LOADS),
    "a package": (lambda folder: [beside(f"{x}.py", b"1/0")(folder) for x in ("__init__", "torch", "json")], LOADS),
    "a plugin": (beside("infogan_evil.py", b"import os\nos.mkdir('it-was-executed')"), LOADS),
    "a card that is a pipe": (replaced("README.md", os.mkfifo), LOADS),
    "a card of commands": (beside("README.md", b"<script>alert(1)</script>\x1b[2J$(rm -rf ~)"), LOADS),
}


@pytest.fixture(scope="module")
def model() -> infogan.InfoGAN:
    """A small model of built-in parts."""
    return infogan.build(
        ModelSpec(
            image=ImageShape(channels=1, height=8, width=8),
            noise=NormalNoise(size=2),
            codes={"on": Bernoulli()},
            generator=DcganGenerator(width=1),
            body=DcganBody(width=1, hidden=3),
            head=Linear(),
            losses={"game": NonSaturating()},
        )
    )


@pytest.fixture(scope="module")
def saved(model: infogan.InfoGAN, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sound folder. Whatever loading imports is imported by then."""
    found = tmp_path_factory.mktemp("sound") / "model"
    model.save(found)
    infogan.load(found, registry=REGISTRY)
    return found


@pytest.fixture
def folder(saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A sound folder to do something to."""
    monkeypatch.chdir(tmp_path)
    return Path(shutil.copytree(saved, tmp_path / "model"))


def test_the_sound_folder_is_loaded_and_looked_at_alone(folder, model, watchman):
    with watchman.over(folder) as seen:
        loaded = infogan.load(folder, registry=REGISTRY)
    assert not seen
    assert torch.equal(loaded.sample(2, seed=0), model.sample(2, seed=0))


@pytest.mark.parametrize("name", FOLDERS)
def test_nothing_is_executed_and_one_error_says_what_is_wrong(name, folder, watchman, peak_memory):
    spoil, says = FOLDERS[name]
    spoil(folder)
    message = LOADS
    with watchman.over(folder) as seen:
        began = time.thread_time()
        try:
            infogan.load(folder, registry=REGISTRY)
        except StorageError as error:
            message = str(error)
        taken = time.thread_time() - began
    assert not seen
    assert not Path("it-was-executed").exists()
    assert bool(message) == bool(says)
    assert re.search(says, message), message
    assert message == LOADS or message.startswith(str(folder))
    assert message.isprintable()
    assert len(message.encode()) <= 2000
    assert taken < SECONDS
    assert peak_memory() < MEMORY


def test_the_name_of_a_folder_is_data_too(folder):
    named = Path(folder.rename(folder.with_name(ESCAPE)))
    (named / MODEL).unlink()
    with pytest.raises(StorageError, match=r"\\x1b\[2J.*no such file") as caught:
        infogan.load(named, registry=REGISTRY)
    assert str(caught.value).isprintable()


def test_there_are_enough_of_them():
    assert len(FOLDERS) >= 60


def test_what_is_read_depends_on_the_spec_alone(folder, watchman, peak_memory):
    """A file that seems to hold a model of the largest size, and a spec of a small one."""
    header(lambda fields: first(fields).update(shape=[WEIGHTS_LIMIT], data_offsets=[0, OTHER_END]))(folder)
    sparse(OTHER_END + 10_000)(folder)
    with watchman.over(folder) as seen, pytest.raises(StorageError, match=WEIGHTS):
        infogan.load(folder, registry=REGISTRY)
    assert not seen
    assert peak_memory() < MEMORY
