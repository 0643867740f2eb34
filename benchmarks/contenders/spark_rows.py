"""What the contenders on classic Spark share: a session with our settings, and items as Spark's own reader has them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.contenders.places import Places
from spark_app.config.settings import EngineName, engine_settings, packed_config
from spark_app.engine.start import engine_of
from spark_app.runs.plan import load_config
from spark_app.storage.at import place_at

CONTRACT = load_config(packed_config()).contracts["order_items"]
SUITE = load_config(packed_config()).suites["order_items"]


@contextmanager
def session(places: Places) -> Iterator[Any]:
    """Classic Spark with Delta, as our own runs start it: with the archive of classes, and told what is ahead."""
    with (
        tempfile.TemporaryDirectory() as scratch,
        engine_of(engine_settings(EngineName.SPARK), place_at(scratch) / "log") as start,
    ):
        start.expect(lambda: sum(file.stat().st_size for file in places.files))
        yield start().spark


def typed(spark: Any, files: list[str]) -> Any:
    """By Spark's typed CSV reader: what cannot be cast is null, and so is a field that a short row lacks."""
    ddl = ", ".join(f"{n} {'int' if c.type == 'boolean' else c.type}" for n, c in CONTRACT.columns.items())
    rows = spark.read.option("header", "true").schema(ddl).csv(files)
    return rows.withColumn("reordered", rows["reordered"] == 1)


def with_parents(rows: Any, places: Places, spark: Any) -> Any:
    """The rows, with a column that says whether both parents are there."""
    from pyspark.sql import functions as f

    orders = spark.read.format("delta").load(places.orders).select("order_id", "user_id", f.lit(1).alias("_order"))
    products = spark.read.format("delta").load(places.products).select("product_id", f.lit(1).alias("_product"))
    ids = rows.withColumns({name: f.upper(name) for name in ("id", "order_id", "user_id", "product_id")})
    joined = ids.join(orders, ["order_id", "user_id"], "left").join(products, "product_id", "left")
    there = f.col("_order").isNotNull() & f.col("_product").isNotNull()
    return joined.withColumn("_there", there).drop("_order", "_product")
