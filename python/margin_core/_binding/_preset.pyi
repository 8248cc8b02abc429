# SPDX-License-Identifier: Apache-2.0
from typing import Any

from numpy.typing import NDArray

from margin_core._binding._margin import BookHandle

class PresetHandle:
    def __init__(self, columns: dict[str, Any], charges: list[dict[str, Any]]) -> None: ...
    def sweep(
        self,
        book: BookHandle,
        first: int,
        count: int,
        threads: int,
        accounts: dict[str, NDArray[Any]],
        out: dict[str, NDArray[Any]],
    ) -> None: ...
