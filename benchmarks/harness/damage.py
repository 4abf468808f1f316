"""Ways in which a run's two checkpoints get damaged; each says what it did."""

from __future__ import annotations

import os
import random
import shutil
from pathlib import Path


def both(checkpoints: Path) -> tuple[Path, Path]:
    """The newest checkpoint and the one before."""
    older, newest = sorted(checkpoints.glob("step-*"))
    return newest, older


def a_file(checkpoints: Path, drawn: random.Random) -> Path:
    """Mostly of the newest checkpoint, half of the time its tensors."""
    newest, older = both(checkpoints)
    folder = drawn.choice([newest, newest, older])
    return drawn.choice([folder / "weights.safetensors", folder / "state.json"])


def truncated(checkpoints: Path, drawn: random.Random) -> str:
    file = a_file(checkpoints, drawn)
    length = drawn.randrange(file.stat().st_size - 1)  # a text file without its last end of line is not damaged
    os.truncate(file, length)
    return f"{file} cut to {length} bytes"


def zeroed(checkpoints: Path, drawn: random.Random) -> str:
    file = a_file(checkpoints, drawn)
    before = file.read_bytes()
    start = drawn.randrange(len(before))
    end = min(len(before), start + drawn.choice([16, 512, 4096]))
    file.write_bytes(before[:start] + bytes(end - start) + before[end:])
    return f"{file} zeroed from {start} to {end}"


def flipped(checkpoints: Path, drawn: random.Random) -> str:
    file = drawn.choice([a_file(checkpoints, drawn), a_file(checkpoints, drawn), checkpoints / "latest"])
    content = bytearray(file.read_bytes())
    position, bit = drawn.randrange(len(content)), drawn.randrange(8)
    content[position] ^= 1 << bit
    file.write_bytes(content)
    return f"{file}: bit {bit} of byte {position} flipped"


def deleted(checkpoints: Path, drawn: random.Random) -> str:
    file = a_file(checkpoints, drawn)
    gone = drawn.choice([file, file, file.parent, checkpoints / "latest"])
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    return f"{gone} deleted"


def swapped(checkpoints: Path, drawn: random.Random) -> str:
    """A file, or the whole folder, of one step for that of the other."""
    newest, older = both(checkpoints)
    name = drawn.choice(["weights.safetensors", "state.json", "."])
    one, other, aside = newest / name, older / name, checkpoints / "aside"
    one.rename(aside)
    other.rename(one)
    aside.rename(other)
    return f"{name} of {newest.name} and {older.name} swapped"


def several(checkpoints: Path, drawn: random.Random) -> str:
    """Three of the above."""
    return " and ".join(drawn.choice([truncated, zeroed, flipped])(checkpoints, drawn) for _ in range(3))


DAMAGES = [truncated, zeroed, flipped, deleted, swapped, several]
