"""The physical floor: the texts of the CSV files as Parquet, by polars. No type, no rule, no table."""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl

from benchmarks.contenders.places import Places


def main(lake: str) -> None:
    places = Places(Path(lake))
    target = Path(places.loaded)
    target.mkdir(parents=True)
    texts = pl.scan_csv(places.files, infer_schema=False, truncate_ragged_lines=True)
    texts.sink_parquet(target / "texts.parquet")


if __name__ == "__main__":
    main(*sys.argv[1:])
