"""polars + delta-rs: everything in memory. Left out: lines of rows, records of files, balances, recovery.

A row with too few fields is rejected for the fields it lacks, not for their number.
"""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path

import polars as pl
from deltalake import DeltaTable, write_deltalake

from benchmarks.contenders.places import COLUMNS, IDS, NOW, Places

_BOOLEANS = {"0": False, "1": True, "true": True, "false": False, "yes": True, "no": False}
_TYPED = {
    "days_since_prior_order": pl.col("days_since_prior_order").cast(pl.Int32, strict=False),
    "add_to_cart_order": pl.col("add_to_cart_order").cast(pl.Int32, strict=False),
    "reordered": pl.col("reordered")
    .str.to_lowercase()
    .replace_strict(_BOOLEANS, default=None, return_dtype=pl.Boolean),
    "order_timestamp": pl.col("order_timestamp").str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False, time_zone="UTC"),
    "date": pl.col("date").str.to_date("%Y-%m-%d", strict=False),
}


def main(lake: str) -> None:
    places = Places(Path(lake))
    rows = _judged(places).collect()
    good = rows.filter(pl.col("reasons").list.len() == 0)
    good, repeated = _one_a_key(good)
    good, orphans = _with_parents(good, places)
    _publish(good.select(COLUMNS), places.loaded)
    bad = pl.concat([rows.filter(pl.col("reasons").list.len() > 0), repeated])
    write_deltalake(places.quarantine, bad.select(*_texts(), "reasons", "file"), mode="append")
    write_deltalake(places.waiting, orphans.select(*_texts(), "file"), mode="append")


def _texts() -> list[pl.Expr]:
    return [pl.col(f"_{name}").alias(name) for name in COLUMNS]


def _judged(places: Places) -> pl.LazyFrame:
    read = pl.scan_csv(places.files, infer_schema=False, truncate_ragged_lines=True, include_file_paths="file")
    texts = read.with_columns(pl.col(name).alias(f"_{name}") for name in COLUMNS)
    trimmed = texts.with_columns(pl.col(name).str.strip_chars().replace("", None) for name in COLUMNS)
    cleaned = trimmed.with_columns(pl.col(name).str.to_uppercase() for name in IDS)
    typed = cleaned.with_columns(expression.alias(f"{name}!") for name, expression in _TYPED.items())
    reasons = pl.concat_list(pl.when(bad).then(pl.lit(reason)) for reason, bad in _rules().items()).list.drop_nulls()
    values = [pl.col(f"{name}!").alias(name) for name in _TYPED]
    return typed.with_columns(reasons=reasons).with_columns(values)


def _rules() -> dict[str, pl.Expr]:
    """What is wrong with a row, by the reason; a null condition is no reason."""
    c, now = pl.col, pl.lit(NOW).dt.replace_time_zone("UTC")
    missing = {f"{name}_missing": c(name).is_null() for name in COLUMNS if name != "days_since_prior_order"}
    types = {f"{name}_type": c(name).is_not_null() & c(f"{name}!").is_null() for name in _TYPED}
    days, moment, day = c("days_since_prior_order!"), c("order_timestamp!"), c("date!")
    first = pl.lit(datetime(2020, 1, 1)).dt.replace_time_zone("UTC")
    return (
        missing
        | types
        | {
            "order_id_format": ~c("order_id").str.contains("^[A-Za-z0-9_-]{3,50}$"),
            "user_id_length": ~c("user_id").str.len_chars().is_between(1, 100),
            "days_since_prior_order_out_of_range": ~days.is_between(0, 365),
            "add_to_cart_order_not_positive": c("add_to_cart_order!") < 1,
            "order_timestamp_out_of_range": ~moment.is_between(first, now),
            "date_out_of_range": ~day.is_between(date(2020, 1, 1), NOW.date()),
        }
    )


def _one_a_key(good: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The latest row of each key, and the others."""
    several = good.group_by("id").len().filter(pl.col("len") > 1).select("id")
    ranked = good.join(several, on="id", how="semi").sort("order_timestamp", "add_to_cart_order")
    kept = ranked.unique("id", keep="last", maintain_order=True)
    first = ranked.with_row_index("n").join(
        ranked.with_row_index("n").unique("id", keep="last").select("n"), on="n", how="anti"
    )
    repeated = first.drop("n").with_columns(reasons=pl.concat_list(pl.lit("duplicate")))
    return pl.concat([good.join(several, on="id", how="anti"), kept]), repeated


def _with_parents(good: pl.DataFrame, places: Places) -> tuple[pl.DataFrame, pl.DataFrame]:
    orders = pl.scan_delta(places.orders).select("order_id", "user_id", order_there=True).collect()
    products = pl.scan_delta(places.products).select("product_id", product_there=True).collect()
    joined = good.join(orders, on=["order_id", "user_id"], how="left").join(products, on="product_id", how="left")
    there = (pl.col("order_there") & pl.col("product_there")).fill_null(value=False)
    return joined.filter(there), joined.filter(~there)


def _publish(rows: pl.DataFrame, target: str) -> None:
    """A table partitioned by date; later days are merged by key, the latest row winning."""
    if not DeltaTable.is_deltatable(target):
        write_deltalake(target, rows, partition_by=["date"])
        return
    days = ", ".join(f"'{day}'" for day in rows["date"].unique().sort())
    merge = DeltaTable(target).merge(rows, f"t.id = s.id AND t.date IN ({days})", source_alias="s", target_alias="t")
    merge.when_matched_update_all("s.order_timestamp >= t.order_timestamp").when_not_matched_insert_all().execute()


if __name__ == "__main__":
    main(*sys.argv[1:])
