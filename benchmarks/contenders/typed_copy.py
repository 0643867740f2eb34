"""The floor: classic Spark's own typed CSV → Delta copy of the items, partitioned by date. No rule, no reference."""

from __future__ import annotations

import sys
import tempfile

from spark_app.config.settings import EngineName, engine_settings, packed_config
from spark_app.engine.start import engine_of
from spark_app.runs.plan import load_config
from spark_app.storage.at import place_at


def main(items: str, target: str) -> None:
    contract = load_config(packed_config()).contracts["order_items"]
    with (
        tempfile.TemporaryDirectory() as scratch,
        engine_of(engine_settings(EngineName.SPARK), place_at(scratch) / "log") as start,
    ):
        spark = start().spark
        ddl = ", ".join(f"{n} {'int' if c.type == 'boolean' else c.type}" for n, c in contract.columns.items())
        rows = spark.read.option("header", "true").schema(ddl).csv(items)
        typed = rows.withColumn("reordered", rows["reordered"] == 1)
        typed.write.format("delta").partitionBy("date").save(target)


if __name__ == "__main__":
    main(*sys.argv[1:])
