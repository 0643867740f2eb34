"""Long expressions as trees of even depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import Column


def joined(join: Callable[[Column, Column], Column], parts: Sequence[Column]) -> Column:
    """All parts (at least one) by an operator for which brackets do not matter.

    Halved again and again: Spark Connect refuses an expression that is nested deeper than 100, which a chain of as many
    rules or columns would be.
    """
    if len(parts) == 1:
        return parts[0]
    middle = len(parts) // 2
    return join(joined(join, parts[:middle]), joined(join, parts[middle:]))
