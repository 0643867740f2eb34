"""The way of the system that this product replaces, on classic Spark.

A file at a time, a filter and a count a rule, a MERGE by key, OPTIMIZE of each partition and VACUUM after every file.
Its errors (lost nulls, one reason only, early rows thrown away) are left out, so that the same truth holds; so are
lines, texts, records of files, balances, recovery.
"""

from __future__ import annotations

import sys
from functools import reduce
from pathlib import Path
from typing import Any

from benchmarks.contenders.places import COLUMNS, NOW, Places
from benchmarks.contenders.spark_rows import session, typed, with_parents

_RULES = {
    **{f"{name}_missing": f"{name} IS NULL" for name in COLUMNS if name != "days_since_prior_order"},
    "order_id_format": "NOT order_id RLIKE '^[A-Za-z0-9_-]{3,50}$'",
    "user_id_length": "length(user_id) NOT BETWEEN 1 AND 100",
    "days_since_prior_order_out_of_range": "days_since_prior_order NOT BETWEEN 0 AND 365",
    "add_to_cart_order_not_positive": "add_to_cart_order < 1",
    "order_timestamp_out_of_range": f"order_timestamp NOT BETWEEN '2020-01-01' AND '{NOW}'",
    "date_out_of_range": f"date NOT BETWEEN '2020-01-01' AND '{NOW:%Y-%m-%d}'",
}


def main(lake: str) -> None:
    places = Places(Path(lake))
    with session(places) as spark:
        for file in places.files:
            _load(spark, str(file), places)


def _load(spark: Any, file: str, places: Places) -> None:
    from pyspark.sql import functions as f

    rows = typed(spark, [file]).cache()
    rows.count()
    for rule in _RULES.values():
        rows.filter(rule).count()
    wrong = reduce(lambda one, other: one | other, (f.coalesce(f.expr(rule), f.lit(False)) for rule in _RULES.values()))
    bad, good = rows.filter(wrong), rows.filter(~wrong)
    reasons = f.array_compact(f.array(*(f.when(f.expr(rule), name) for name, rule in _RULES.items())))
    bad.withColumn("reasons", reasons).write.format("delta").mode("append").save(places.quarantine)
    bad.count()
    kept = good.dropDuplicates(["id"]).cache()
    repeated = good.exceptAll(kept)
    repeated.count()
    repeated.withColumn("reasons", f.array(f.lit("duplicate"))).write.format("delta").mode("append").save(
        places.quarantine
    )
    parents = with_parents(kept, places, spark).cache()
    parents.filter("not _there").count()
    parents.filter("not _there").drop("_there").write.format("delta").mode("append").save(places.waiting)
    _merge(spark, parents.filter("_there").drop("_there"), places.loaded)
    days = [row["date"] for row in kept.select("date").distinct().collect()]
    for day in days:
        spark.sql(f"OPTIMIZE delta.`{places.loaded}` WHERE date = '{day}' ZORDER BY (order_id, user_id, product_id)")
    spark.sql(f"VACUUM delta.`{places.loaded}`")
    for cached in (rows, kept, parents):
        cached.unpersist()


def _merge(spark: Any, rows: Any, target: str) -> None:
    from delta.tables import DeltaTable

    if not DeltaTable.isDeltaTable(spark, target):
        rows.limit(0).write.format("delta").partitionBy("date").save(target)
    merge = DeltaTable.forPath(spark, target).alias("t").merge(rows.alias("s"), "t.id = s.id")
    merge.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()


if __name__ == "__main__":
    main(*sys.argv[1:])
