"""The floor: classic Spark's own typed CSV → Delta copy, partitioned by date. No rule, no key, no parent."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.contenders.places import Places
from benchmarks.contenders.spark_rows import session, typed


def main(lake: str) -> None:
    places = Places(Path(lake))
    with session(places) as spark:
        rows = typed(spark, [str(file) for file in places.files])
        rows.write.format("delta").partitionBy("date").save(places.loaded)


if __name__ == "__main__":
    main(*sys.argv[1:])
