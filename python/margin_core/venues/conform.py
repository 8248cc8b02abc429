# SPDX-License-Identifier: Apache-2.0
"""Known answers of venues against the presets: `margin-core conform DIR`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from margin_core.errors import FileError, MarginCoreError
from margin_core.venues.answers.canonical import FORM
from margin_core.venues.answers.case import Case, Difference, differences
from margin_core.venues.answers.record import Record
from margin_core.venues.answers.suites import OWN, SUITES, Suite

__all__ = ["SuiteResult", "conform"]

#: What a reader or an engine may raise on numbers and names that make no sense.
_NONSENSE = (ArithmeticError, LookupError, TypeError, ValueError)


@dataclass
class SuiteResult:
    """How one suite fared.

    Attributes
    ----------
    suite : str
    asked : str
        The precision asked for.
    cases, passed : int
        A case that could not be read or margined is one that did not pass.
    largest : float
        The largest error judged, relative to the scale that the suite states.
    plain : float
        The same relative to the number itself; absolute where that is 0.
    parts : float
        The largest error of intermediate numbers, which are not judged.
    failure : str
        The first case that failed, in full; "" if none did.
    unreadable : list of str
        Files and cases that could not be read or margined, each with the field at fault.
    presets : dict
        Every preset that was used, and whether it has unverified parameters.
    """

    suite: str
    asked: str
    cases: int = 0
    passed: int = 0
    largest: float = 0.0
    plain: float = 0.0
    parts: float = 0.0
    failure: str = ""
    unreadable: list[str] = field(default_factory=list)
    presets: set[str] = field(default_factory=set)

    def add(self, case: Case, found: list[Difference]) -> None:
        judged = [d for d in found if not d.expected.part]
        self.cases += 1
        self.presets.add(case.preset)
        self.largest = max([self.largest, *(d.error for d in judged)])
        self.plain = max([self.plain, *(d.plain for d in judged)])
        self.parts = max([self.parts, *(d.error for d in found if d.expected.part)])
        if all(d.passed for d in judged):
            self.passed += 1
        elif not self.failure:
            self.failure = _described(case, found)


def _described(case: Case, found: list[Difference]) -> str:
    lines = [f"{case.name}, preset {case.preset}:"]
    for d in found:
        mark = "" if d.passed else f"  error {d.error:.1e}, asked {d.expected.tolerance:.1e}"
        lines.append(f"  {d.expected.name}: ours {d.ours!r}, venue {d.expected.value!r}{mark}")
    return "\n".join(lines)


def conform(folder: str | os.PathLike[str]) -> tuple[list[SuiteResult], list[str]]:
    """Run every known answer below a folder.

    Parameters
    ----------
    folder : path
        Files that a suite knows by name, and any other .json file of the documented form.

    Returns
    -------
    (list of SuiteResult, list of str)
        A result for each suite that has files; and the files that nobody reads.

    Raises
    ------
    FileError
        There is no such folder, or nothing in it that could be read.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileError(f"{root}: no such folder")
    taken: set[Path] = set()
    results = []
    for suite in SUITES:
        paths = _files_of(root, suite.beside or suite.name)
        taken |= set(paths)
        result = _run(suite, paths)
        if result.cases or result.unreadable:
            results.append(result)
    own: list[Path] = []
    unknown: list[Path] = []
    for path in sorted(root.glob("*.json")):
        if path not in taken:
            (own if _is_own(path) else unknown).append(path)
    if own:
        results.append(_run(OWN, own))
    notes = [f"{path.name}: no reader" for path in unknown]
    if not results:
        raise FileError(f"{root}: no known answers there")
    return results, notes


def _files_of(root: Path, name: str) -> list[Path]:
    found = [*root.glob(f"{name}*.json"), *(root / name).glob("*.json")]
    return sorted(found)


def _is_own(path: Path) -> bool:
    from margin_core.adapters.files import read_text

    try:
        return f'"{FORM}"' in read_text(path)
    except MarginCoreError:
        return True  # its reader says what is wrong with it


def _run(suite: Suite, paths: list[Path]) -> SuiteResult:
    result = SuiteResult(suite.name, suite.asked)
    for path in paths:
        for fault in _read(suite, path, result):
            result.unreadable.append(fault)
    return result


def _read(suite: Suite, path: Path, result: SuiteResult) -> Iterator[str]:
    """Adds a file's cases to the result; what could not be read or margined comes back."""
    from margin_core.adapters.files import read_json

    there = result.cases
    try:
        for unread in suite.read(Record(read_json(path), path.name), path.stem):
            name = unread.name
            try:
                case = unread.read()
                name = case.name
                with np.errstate(all="ignore"):  # what overflows is infinitely wrong, and fails
                    result.add(case, differences(case))
            except (MarginCoreError, *_NONSENSE) as error:
                result.cases += 1
                yield _fault(path, name, error)
        if result.cases == there and not suite.beside:
            yield f"{path.name}: no cases"
    except (MarginCoreError, *_NONSENSE) as error:
        yield _fault(path, "", error)


def _fault(path: Path, case: str, error: Exception) -> str:
    words = str(error) or type(error).__name__
    if words.startswith((path.name, str(path))):
        return words
    return ": ".join(filter(None, (path.name, case, words)))
