"""DuckDB + delta-rs. Left out: lines of rows, records of files, balances, recovery.

A row with too few fields is rejected for the fields it lacks, not for their number.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb
from deltalake import DeltaTable, write_deltalake

from benchmarks.contenders.places import COLUMNS, IDS, NOW, Places

_TYPED = {
    "days_since_prior_order": "try_cast(days_since_prior_order AS INTEGER)",
    "add_to_cart_order": "try_cast(add_to_cart_order AS INTEGER)",
    "reordered": "CASE WHEN lower(reordered) IN ('1', 'true', 'yes') THEN true"
    " WHEN lower(reordered) IN ('0', 'false', 'no') THEN false END",
    "order_timestamp": "try_strptime(order_timestamp, '%Y-%m-%dT%H:%M:%S')",
    "date": "try_cast(try_strptime(date, '%Y-%m-%d') AS DATE)",
}
_RULES = {
    **{f"{name}_missing": f"{name} IS NULL" for name in COLUMNS if name != "days_since_prior_order"},
    **{f"{name}_type": f"{name} IS NOT NULL AND v.{name} IS NULL" for name in _TYPED},
    "order_id_format": "NOT regexp_full_match(order_id, '[A-Za-z0-9_-]{3,50}')",
    "user_id_length": "length(user_id) NOT BETWEEN 1 AND 100",
    "days_since_prior_order_out_of_range": "v.days_since_prior_order NOT BETWEEN 0 AND 365",
    "add_to_cart_order_not_positive": "v.add_to_cart_order < 1",
    "order_timestamp_out_of_range": f"v.order_timestamp NOT BETWEEN TIMESTAMP '2020-01-01' AND TIMESTAMP '{NOW}'",
    "date_out_of_range": f"v.date NOT BETWEEN DATE '2020-01-01' AND DATE '{NOW:%Y-%m-%d}'",
}


def main(lake: str) -> None:
    places = Places(Path(lake))
    engine = duckdb.connect()
    engine.execute("SET preserve_insertion_order = false")
    engine.execute("SET TimeZone = 'UTC'")
    engine.from_arrow(_parent(places.orders, ["order_id", "user_id"])).create_view("orders")
    engine.from_arrow(_parent(places.products, ["product_id"])).create_view("products")
    engine.execute(_judged(places.files))
    engine.execute(_RANKED)
    _publish(engine, places.loaded)
    texts = ", ".join(f"o.{name}" for name in COLUMNS)
    reasons = "if(place > 1, ['duplicate'], reasons) AS reasons"
    quarantine = f"SELECT {texts}, {reasons}, file FROM ranked WHERE place > 1 OR len(reasons) > 0"
    write_deltalake(places.quarantine, engine.sql(quarantine).arrow(), mode="append")
    waiting = f"SELECT {texts}, file FROM ranked WHERE place = 1 AND len(reasons) = 0 AND NOT there"
    write_deltalake(places.waiting, engine.sql(waiting).arrow(), mode="append")


def _parent(table: str, columns: list[str]) -> object:
    return DeltaTable(table).to_pyarrow_dataset().to_table(columns=columns)


def _judged(files: list[Path]) -> str:
    paths = ", ".join(f"'{file}'" for file in files)
    types = ", ".join(f"'{name}': 'VARCHAR'" for name in COLUMNS)
    clean = ", ".join(f"nullif({'upper(' if name in IDS else '('}trim({name})), '') AS {name}" for name in COLUMNS)
    values = ", ".join(f"{name} := {sql}" for name, sql in _TYPED.items())
    reasons = ", ".join(f"CASE WHEN {bad} THEN '{reason}' END" for reason, bad in _RULES.items())
    kept = ", ".join(f"{name} := {name}" for name in COLUMNS)
    return f"""
        CREATE TABLE judged AS
        WITH texts AS (
            SELECT {", ".join(COLUMNS)}, filename AS file, struct_pack({kept}) AS o FROM read_csv(
                [{paths}], header = true, columns = {{{types}}}, auto_detect = false, null_padding = true,
                filename = true)),
        cleaned AS (SELECT {clean}, file, o FROM texts),
        typed AS (SELECT *, struct_pack({values}) AS v FROM cleaned)
        SELECT id, order_id, user_id, product_id, v, o, file,
            list_filter([{reasons}], lambda reason: reason IS NOT NULL) AS reasons FROM typed"""


_RANKED = """
    CREATE TABLE ranked AS
    WITH several AS (SELECT id FROM judged WHERE len(reasons) = 0 GROUP BY id HAVING count(*) > 1),
    places AS (
        SELECT j.*, CASE WHEN s.id IS NULL OR len(j.reasons) > 0 THEN 1
            ELSE row_number() OVER (
                PARTITION BY j.id ORDER BY len(j.reasons), v.order_timestamp DESC, v.add_to_cart_order DESC)
            END AS place
        FROM judged j LEFT JOIN several s USING (id))
    SELECT p.*, o.order_id IS NOT NULL AND d.product_id IS NOT NULL AS there FROM places p
        LEFT JOIN orders o ON o.order_id = p.order_id AND o.user_id = p.user_id
        LEFT JOIN products d ON d.product_id = p.product_id"""


def _publish(engine: duckdb.DuckDBPyConnection, target: str) -> None:
    """A table partitioned by date; later days are merged by key, the latest row winning."""
    values = {name: f"v.{name}" for name in _TYPED} | {"order_timestamp": "v.order_timestamp AT TIME ZONE 'UTC'"}
    columns = ", ".join(f"{values.get(name, name)} AS {name}" for name in COLUMNS)
    good = f"SELECT {columns} FROM ranked WHERE place = 1 AND len(reasons) = 0 AND there"
    rows = engine.sql(good).arrow()
    if not DeltaTable.is_deltatable(target):
        write_deltalake(target, rows, partition_by=["date"])
        return
    table = engine.sql(good).to_arrow_table()
    days = ", ".join(sorted({f"'{day}'" for day in table.column("date").unique().to_pylist()}))
    merge = DeltaTable(target).merge(table, f"t.id = s.id AND t.date IN ({days})", source_alias="s", target_alias="t")
    merge.when_matched_update_all("s.order_timestamp >= t.order_timestamp").when_not_matched_insert_all().execute()


if __name__ == "__main__":
    main(*sys.argv[1:])
