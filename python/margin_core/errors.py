# SPDX-License-Identifier: Apache-2.0
"""What can go wrong, one class a cause; each is also the built-in a caller would expect."""

from __future__ import annotations


class MarginCoreError(Exception):
    """Base of every error that margin_core raises on purpose.

    Attributes
    ----------
    row : int or None
        The first row at fault, counted from 0 in the columns that were passed.
    """

    def __init__(self, message: str, *, row: int | None = None) -> None:
        super().__init__(message)
        self.row = row


class ArgumentError(MarginCoreError, ValueError):
    """A wrong shape, count or option."""


class NotFiniteError(MarginCoreError, ValueError):
    """NaN or infinity where a number is needed."""


class DomainError(MarginCoreError, ValueError):
    """A finite number outside its legal range."""


class UnknownInstrumentError(MarginCoreError, LookupError):
    """An instrument, unit or account that does not exist."""

    def __str__(self) -> str:  # LookupError would show the message in quotes
        return str(self.args[0])


class RowOrderError(MarginCoreError, ValueError):
    """Rows out of order, duplicated, or offsets that do not fit."""


class ExactnessError(MarginCoreError, ArithmeticError):
    """Beyond the bound up to which sums are exact integers."""


class QuantumError(MarginCoreError, ValueError):
    """A risk lot so small that its cells round to nothing."""


class NoSolutionError(MarginCoreError, ValueError):
    """No volatility gives this price."""


class OutOfMemoryError(MarginCoreError, MemoryError):
    """The core could not allocate."""


class FileError(MarginCoreError, ValueError):
    """A file that cannot be used: its name, and the row and field at fault."""


class ModelError(MarginCoreError, ValueError):
    """A margin model that contradicts itself or its schema; names the field's path."""


class NotMarginableError(MarginCoreError, ValueError):
    """A position that a margin model has no rule for; `row` is the position's."""


class MissingExtraError(MarginCoreError, ImportError):
    """A feature whose optional dependency is not installed; says which extra brings it."""


EXCEPTION_OF_STATUS: dict[str, type[MarginCoreError]] = {
    "MC_ERR_ARGUMENT": ArgumentError,
    "MC_ERR_NOT_FINITE": NotFiniteError,
    "MC_ERR_DOMAIN": DomainError,
    "MC_ERR_INSTRUMENT": UnknownInstrumentError,
    "MC_ERR_ORDER": RowOrderError,
    "MC_ERR_EXACTNESS": ExactnessError,
    "MC_ERR_QUANTUM": QuantumError,
    "MC_ERR_NO_SOLUTION": NoSolutionError,
    "MC_ERR_MEMORY": OutOfMemoryError,
}
