# SPDX-License-Identifier: Apache-2.0
"""Files: read with limits, written whole or not at all."""

from __future__ import annotations

import json
import math
import os
import re
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from margin_core.errors import FileError
from margin_core.origin import place

#: Larger files are refused rather than read.
MAX_BYTES = 2 << 30
#: Digits of an integer in JSON; more cannot be a quantity, and long ones are slow to read.
MAX_DIGITS = 64

#: What may be half of a character that is written as two escapes.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def fail(
    source: str,
    why: str,
    *,
    row: int | None = None,
    field: str | None = None,
    line: int | None = None,
) -> FileError:
    """The error for `source`, its `row` (from 0 in the data) and `field`."""
    return FileError(f"{place(source, row=row, line=line, column=field)}: {why}", row=row)


def read_bytes(path: str | os.PathLike[str], *, limit: int = MAX_BYTES) -> bytes:
    """The content of a regular file of at most `limit` bytes."""
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size <= limit:
                data = file.read(limit + 1)
                size = len(data)
    except (OSError, ValueError) as error:
        raise fail(_label(path), getattr(error, "strerror", None) or str(error)) from error
    if size > limit:
        raise fail(_label(path), f"larger than {limit} bytes")
    return data


def read_text(path: str | os.PathLike[str]) -> str:
    """The content of a UTF-8 file, a byte order mark dropped."""
    data = read_bytes(path)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fail(_label(path), "not UTF-8", line=line) from None


def read_json(path: str | os.PathLike[str]) -> Any:
    """A JSON document, strictly: no key twice, no NaN or Infinity, no number beyond float64."""
    return parse_json(read_text(path), _label(path))


def parse_json(text: str, source: str) -> Any:
    """As `read_json`, from text."""

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        out = dict(items)
        if len(out) != len(items):
            seen: set[str] = set()
            twice = next(key for key, _ in items if key in seen or seen.add(key))  # type: ignore[func-returns-value]
            raise fail(source, f"the key {twice!r:.60} stands twice in one object")
        return out

    def constant(word: str) -> Any:
        raise fail(source, f"{word} is not JSON")

    def number(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            raise fail(source, f"the number {digits[:40]} is too large")
        return value

    def integer(digits: str) -> int:
        if len(digits) > MAX_DIGITS:
            raise fail(source, f"the number {digits[:40]}... has more than {MAX_DIGITS} digits")
        return int(digits)

    try:
        document = json.loads(
            text,
            object_pairs_hook=pairs,
            parse_constant=constant,
            parse_float=number,
            parse_int=integer,
        )
        if _SURROGATE.search(text):
            json.dumps(document, ensure_ascii=False).encode()
        return document
    except UnicodeEncodeError:
        raise fail(source, "holds half of a character") from None
    except json.JSONDecodeError as error:
        raise fail(source, f"not JSON: {error.msg}", line=error.lineno) from None
    except RecursionError:
        raise fail(source, "nested too deeply") from None


def write_atomically(
    path: str | os.PathLike[str], content: bytes | Callable[[IO[bytes]], object]
) -> None:
    """Write `content` beside `path` and rename it there: whole, or nothing is left behind.

    Parameters
    ----------
    path
    content
        Bytes, or a function that writes them to the binary file it is given.
    """
    target = Path(path)
    temporary = None
    try:
        # os.replace would swap the link itself for the file; write where it points.
        if target.is_symlink():
            target = target.resolve()
        handle, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
        with os.fdopen(handle, "wb") as file:
            if callable(content):
                content(file)
            else:
                file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, _mode_of(target))
        os.replace(temporary, target)
        temporary = None
    except OSError as error:
        raise fail(_label(path), f"cannot write: {error.strerror or error}") from error
    finally:
        if temporary is not None:
            os.unlink(temporary)


def _mode_of(target: Path) -> int:
    """Permissions for the new file: those of the old one, or what open() would give."""
    try:
        return target.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0o077)
        os.umask(mask)
        return 0o666 & ~mask


def _label(path: str | os.PathLike[str]) -> str:
    return os.fspath(path)
