"""`python -m tests.parity.table ENGINE EXAMPLES`: the parity table of the documentation, from the harness.

For each type: examples tried, rows that it judged in all of them, rows that both called unexpected, and differences.
"""

from __future__ import annotations

import logging
import sys
import tempfile
import warnings
from collections import Counter

from hypothesis import HealthCheck, Phase, given, settings

from spark_app.config.settings import EngineName, engine_settings
from spark_app.engine.port import Engine
from spark_app.engine.start import engine_of
from spark_app.quality.suite import Suite
from spark_app.storage.at import place_at
from tests.parity.cases import ROWS
from tests.parity.judges import GreatExpectations, both
from tests.parity.test_parity import alike, suites


def main(engine_name: str, examples: int) -> None:
    warnings.filterwarnings("ignore")
    with tempfile.TemporaryDirectory() as folder:
        log = place_at(folder) / "spark.log"
        with engine_of(engine_settings(EngineName(engine_name)), log) as start:
            tried, judged, unexpected, differing = _compared(start(), examples)
    print(f"| type | {engine_name}: examples | rows judged | unexpected | differences |\n|---|---|---|---|---|")
    for name in sorted(tried):
        print(f"| `{name}` | {tried[name]} | {judged[name]:,} | {unexpected[name]:,} | {differing[name]} |")


def _compared(engine: Engine, examples: int) -> tuple[Counter[str], Counter[str], Counter[str], Counter[str]]:
    gx = GreatExpectations()
    logging.disable(logging.CRITICAL)
    tried, judged, unexpected, differing = Counter[str](), Counter[str](), Counter[str](), Counter[str]()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(rows=ROWS, suite=suites())
    def compare(rows: list[dict[str, str | None]], suite: Suite) -> None:
        for name, (mine, theirs) in both(engine, gx, rows, suite).items():
            tried[name] += 1
            judged[name] += (mine.elements or 0) - (mine.missing or 0)
            unexpected[name] += mine.unexpected or 0
            differing[name] += not alike(name, mine, theirs, engine)

    compare()
    return tried, judged, unexpected, differing


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
