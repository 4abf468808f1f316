"""What each picture is, from a CSV file."""

from __future__ import annotations

import csv
from io import StringIO
from pathlib import Path, PurePosixPath

from ...core.messages import short
from .sources import Files

COLUMNS = ("file", "label")
"""What the first line of the CSV file has to name; other columns are passed over."""

MOST_BYTES = 2**26
"""Bytes that the CSV file may have."""

MOST_LABELS = 10_000
"""Different labels."""


def read_labels(files: Files, name: str) -> dict[str, str]:
    """The label of each file that the CSV file ``name`` lists, by its name among ``files``.

    FileNotFoundError where there is no such CSV file; ValueError, with its line, for what is wrong in it.
    """
    path = files.path(name)
    present = set(files.names())
    found: dict[str, str] = {}
    rows = csv.DictReader(StringIO(_text(files, name)), strict=True)
    try:
        if not set(COLUMNS) <= set(rows.fieldnames or ()):
            columns = ", ".join(map(repr, rows.fieldnames or ()))
            raise ValueError(f"its first line has to name the columns file and label, not {short(columns)}")
        for row in rows:
            file, label = (row[column] for column in COLUMNS)
            if not file or not label:
                raise ValueError("has to have a file and a label")
            file = PurePosixPath(file).as_posix()
            if file not in present:
                raise ValueError(f"there is no file {short(repr(file), 80)} below {files.top}")
            if found.setdefault(file, label) != label:
                raise ValueError(f"{short(repr(file), 80)} has had another label above")
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path}, line {rows.line_num}: {error}") from None
    different = len(set(found.values()))
    if not 2 <= different <= MOST_LABELS:
        raise ValueError(f"{path}: there have to be 2 to {MOST_LABELS:,} different labels, not {different:,}")
    return found


def _text(files: Files, name: str) -> str:
    path = files.path(name)
    try:
        opened = files.open(name)
        with opened.open("rb") if isinstance(opened, Path) else opened as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise FileNotFoundError(
            f"there is no file {path}; expected a CSV file with the columns file and label"
        ) from None
    if len(content) > MOST_BYTES:
        raise ValueError(f"{path}: is no list of labels: it has more than {MOST_BYTES:,} bytes")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: has to be in UTF-8: {error}") from None
