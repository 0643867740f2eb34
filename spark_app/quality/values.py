"""The columns of a row as rules see them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column


@dataclass(frozen=True)
class Values:
    """The columns of a row. `value`: typed; `text`: before the cast. `rows_of`: what the run read of other datasets."""

    types: Mapping[str, str]
    timezone: str
    value: Callable[[str], Column]
    text: Callable[[str], Column]
    rows_of: Mapping[str, int] = field(default_factory=dict)

    def type_of(self, name: str) -> str:
        return self.types[name]
