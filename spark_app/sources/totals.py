"""What a reader adds up of a file by itself, to be held against what the engine counts."""

from __future__ import annotations

from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from spark_app.sources.batches import NUMBER, Chunk, ReadSpec, exact_sum
from spark_app.sources.edges import TRIMMED


class Totals:
    """The reader's own sums of the control columns, added up chunk by chunk."""

    def __init__(self, spec: ReadSpec) -> None:
        self._places = [(name, spec.columns.index(name)) for name in spec.control_totals]
        self._sums = {name: Decimal(0) for name in spec.control_totals}
        self._no_number = dict.fromkeys(spec.control_totals, 0)

    def add(self, chunk: Chunk) -> None:
        for name, place in self._places:
            text = pc.utf8_trim(chunk.texts[place], characters=TRIMMED)
            numbers = text.filter(pc.fill_null(pc.match_substring_regex(text, NUMBER), False))
            self._no_number[name] += len(chunk) - len(numbers)
            if len(numbers):
                self._sums[name] = exact_sum((self._sums[name], pc.sum(numbers.cast(pa.decimal128(38, 6))).as_py()))

    def result(self) -> dict[str, tuple[str, int]]:
        return {name: (str(total), self._no_number[name]) for name, total in self._sums.items()}
