#!/usr/bin/env bash
# npm emoji-datasource-google 16.0.0, img/google/64, read with Pillow 11.3.0.
#
# Guess before it was run: every code point has a picture of its own.
# Seen: of 3,786 PNG files 19 are, pixel for pixel in RGBA, the picture of another name; 12 pictures have two names to
# six. Seven are flags of places that fly another country's, such as Clipperton Island's (1f1e8-1f1f5), Saint Martin's
# (1f1f2-1f1eb) and France's (1f1eb-1f1f7); one is the snowboarder, whose five skin tones show no skin; four are families,
# where those of men and boys are those without a gender. So a split of the set by file leaks: a picture that is held out
# may have been learnt under another name, and a class by code point may have no picture of its own.
# Also seen: the modes differ within the set, 3,722 RGBA, 62 LA (gray with alpha) and 2 P (a palette).
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm pack --silent emoji-datasource-google@16.0.0 >/dev/null
tar -xzf emoji-datasource-google-16.0.0.tgz package/img/google/64
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check pillow==11.3.0
venv/bin/python - <<'PYTHON'
from collections import Counter, defaultdict
from pathlib import Path

from PIL import Image

files = sorted(Path("package/img/google/64").glob("*.png"))
modes, named = Counter(), defaultdict(list)
for file in files:
    with Image.open(file) as picture:
        modes[picture.mode] += 1
        named[picture.size, picture.convert("RGBA").tobytes()].append(file.stem)
shared = sorted(names for names in named.values() if len(names) > 1)
print(len(files), "files;", dict(modes), ";", len(shared), "pictures with several names:")
for names in shared:
    print("  ", " = ".join(names))
assert len(files) == 3786, len(files)
assert dict(modes) == {"RGBA": 3722, "LA": 62, "P": 2}, modes
assert ["1f1e8-1f1f5", "1f1eb-1f1f7", "1f1f2-1f1eb"] in shared
extra = sum(len(names) - 1 for names in shared)
print(len(shared), "pictures have several names;", extra, "files are no picture of their own")
assert (len(shared), extra) == (12, 19), (len(shared), extra)
flags = [names for names in shared if all(part.startswith("1f1") for name in names for part in name.split("-"))]
assert len(flags) == 7, flags
assert {"1f3c2", *(f"1f3c2-1f3f{tone}" for tone in "bcdef")} in map(set, shared)
PYTHON
