"""What a long history costs: small runs into one lake, and at 10, 100 and 1,000 runs the cost of one more command.

`python -m benchmarks.history 10 100 1000`. Runs share one engine; every hundredth is followed by `maintain`, as a
nightly one would after some days. The commands that are measured are processes of their own, from start to exit.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.command import LAKEHOUSE, on_engine
from benchmarks.measure import measure
from spark_app import pipeline
from spark_app.config.settings import EngineName, Zones, engine_settings, packed_config
from spark_app.engine.start import engine_of
from spark_app.loading import Surroundings
from spark_app.reporting.progress import Silent
from spark_app.runs.plan import Config, Request, load_config
from spark_app.storage.at import place_at
from spark_app.upkeep import keep

_FIRST = datetime(2025, 1, 1, tzinfo=UTC)
_MAINTAINED_EVERY = 100
_HEAD = """| runs | one run, CPU s | plan | status | docs build, one page more | state MB | files |
|---|---|---|---|---|---|---|"""
_ORDERS = "order_num,order_id,user_id,order_timestamp,total_amount,date"


def main(marks: list[int]) -> None:
    config = load_config(packed_config())
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch) / "lake"
        zones = Zones.under(place_at(root))
        settings = engine_settings(EngineName.SAIL)
        with engine_of(settings, place_at(scratch) / "spark.log") as start:
            around = Surroundings(zones, start, settings.name.value, Silent())
            done = 0
            print(_HEAD)
            for mark in marks:
                done = _up_to(mark, done, zones, config, around)
                print(_measured(mark, root), flush=True)
                done += 1  # the one that was measured


def _up_to(mark: int, done: int, zones: Zones, config: Config, around: Surroundings) -> int:
    for number in range(done, mark):
        moment = _FIRST + timedelta(hours=number)
        _put(zones, number)
        pipeline.load(Request(zones, now=moment), config, around)
        if number % _MAINTAINED_EVERY == _MAINTAINED_EVERY - 1:
            keep(zones, config.contracts, moment, 0, dry=False)
    return mark


def _put(zones: Zones, number: int) -> None:
    """Ten orders, one of them bad."""
    orders = [f"{number * 10 + k + 1},o{number}-{k},u{k},2024-12-01T10:00:00,{k + 1}.50,2024-12-01" for k in range(9)]
    bad = f"0,o{number}-9,u9,2024-12-01T10:00:00,1.00,2024-12-01"
    (zones.raw[0] / "orders" / f"{number}.csv").write("\n".join([_ORDERS, *orders, bad]) + "\n")


def _measured(mark: int, root: Path) -> str:
    at = ("--root", str(root))
    _cpu("docs", "build", *at)
    plan, status = _cpu("plan", *at), _cpu("status", *at)
    _put(Zones.under(place_at(root)), mark)
    run = _cpu("run", *at, "--now", (_FIRST + timedelta(hours=mark)).isoformat())
    docs = _cpu("docs", "build", *at)
    files = [f for f in (root / "processed").rglob("*") if f.is_file() and "data-docs" not in f.parts]
    size = sum(f.stat().st_size for f in files) / 1e6
    return f"| {mark:,} | {run:.1f} | {plan:.1f} | {status:.1f} | {docs:.1f} | {size:.1f} | {len(files):,} |"


def _cpu(*command: str) -> float:
    """CPU seconds of the command and all that it starts: what else the machine does adds little to them."""
    return measure([*LAKEHOUSE, *command], on_engine("sail")).cpu


if __name__ == "__main__":
    main([int(mark) for mark in sys.argv[1:]] or [10, 100, 1000])
