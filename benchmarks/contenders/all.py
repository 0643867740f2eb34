"""The contenders of `make bench`, in the order of the page."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.command import LAKEHOUSE


def _ours(lake: Path) -> list[str]:
    return [*LAKEHOUSE, "run", "--root", str(lake)]


def _program(name: str) -> Callable[[Path], list[str]]:
    return lambda lake: [sys.executable, "-m", f"benchmarks.contenders.{name}", str(lake)]


@dataclass(frozen=True)
class Contender:
    """`spark`: whether it is a program with classic Spark. `floor`: it does less than the work, and is held to nothing.

    `not_at`: sizes at which it is not run, with the reason.
    """

    name: str
    command: Callable[[Path], list[str]]
    spark: bool = False
    floor: bool = False
    not_at: dict[str, str] = field(default_factory=dict)

    @property
    def ours(self) -> bool:
        return self.command is _ours


_SHORT = "left out for its time (`python -m benchmarks.run --also` runs it)"
CONTENDERS = (
    Contender("ours, embedded engine", _ours),
    Contender("ours, classic Spark", _ours, spark=True),
    Contender("polars + delta-rs", _program("polars_delta")),
    Contender("DuckDB + delta-rs", _program("duckdb_delta")),
    Contender("GX COMPLETE + split", _program("gx_split"), spark=True, not_at={"8 million": _SHORT}),
    Contender(
        "the system replaced", _program("replaced_way"), spark=True, not_at={"2 million": _SHORT, "8 million": _SHORT}
    ),
    Contender("typed copy (Spark's floor)", _program("typed_copy"), spark=True, floor=True),
    Contender("Parquet copy (the physical floor)", _program("parquet_copy"), floor=True),
)
