"""Great Expectations as its users load with it, on classic Spark: validate (COMPLETE, rows named by id), split, write.

Left out: texts of rejected rows (their values are written), lines, records of files, balances, recovery. A field that
cannot be cast is told as missing; rows with a missing id could not be told apart.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.contenders.places import NOW, Places
from benchmarks.contenders.spark_rows import CONTRACT, SUITE, session, typed, with_parents
from benchmarks.great_expectations_suite import prepared


def main(lake: str) -> None:
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    places = Places(Path(lake))
    with session(places) as spark:
        rows = typed(spark, [str(file) for file in places.files]).cache()
        broken = [(str(key), rule) for rule, keys in _unexpected(rows).items() for key in keys]
        reasons = (
            spark.createDataFrame(broken, "id string, rule string")
            .groupBy("id")
            .agg(f.collect_set("rule").alias("reasons"))
        )
        judged = rows.join(f.broadcast(reasons), "id", "left")
        latest = Window.partitionBy("id").orderBy(f.col("order_timestamp").desc(), f.col("add_to_cart_order").desc())
        good = judged.filter("reasons is null").withColumn("_n", f.row_number().over(latest)).cache()
        repeated = good.filter("_n > 1").withColumn("reasons", f.array(f.lit("duplicate"))).drop("_n")
        bad = judged.filter("reasons is not null").unionByName(repeated)
        bad.write.format("delta").mode("append").save(places.quarantine)
        parents = with_parents(good.filter("_n = 1").drop("_n", "reasons"), places, spark).cache()
        parents.filter("not _there").drop("_there").write.format("delta").mode("append").save(places.waiting)
        loaded = parents.filter("_there").drop("_there")
        loaded.write.format("delta").mode("append").partitionBy("date").save(places.loaded)


def _unexpected(rows: Any) -> dict[str, list[Any]]:
    """The ids of the rows that break each rule."""
    asked = {"result_format": "COMPLETE", "unexpected_index_column_names": ["id"]}
    results = prepared(rows, CONTRACT, SUITE, NOW, asked)()
    rules = [expectation.rule for expectation in SUITE.expectations]
    found = zip(rules, results, strict=True)
    return {rule: [row["id"] for row in r.result.get("unexpected_index_list") or ()] for rule, r in found}


if __name__ == "__main__":
    main(*sys.argv[1:])
