"""Upkeep changes no row, hurts no reader, and stays away from an open run."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

from spark_app import upkeep
from spark_app.errors import LockHeld, UsageError
from spark_app.runs.lock import writer_lock
from spark_app.runs.plan import load_config
from spark_app.tables import maintenance
from tests.lake import NOW, Lake
from tests.pipeline.test_found_in_review import KID, PAR, configured
from tests.pipeline.test_protocol import run_killed_at

pytestmark = pytest.mark.engine

TIDY = PAR | {"cluster_by": ["p"], "maintenance": {"compact_above": 2}}


@pytest.fixture
def scattered(lake: Lake, tmp_path: Path) -> Lake:
    """A lake whose tables are of four files each."""
    lake.config = load_config(configured(tmp_path / "c", TIDY, KID))
    for number in range(4):
        lake.put(f"par/{number}.csv", f"p\na{number}\na{number}\n", f"2025-05-1{number}")
        lake.run()
    return lake


def kept(lake: Lake, now: Any = NOW, *, dry: bool = False) -> dict[str, Any]:
    done = upkeep.keep(lake.zones, lake.config.contracts, now, 0, dry=dry)
    return {table.table: table for table in done.tables} | {"runs": done.runs_removed}


@pytest.mark.both
def test_small_files_become_one_and_a_later_run_goes_on(scattered: Lake) -> None:
    before = scattered.table("par")
    promised = kept(scattered, dry=True)["par"]
    assert (promised.compacted, promised.files_before, promised.files_after) == (True, 4, 4)
    done = kept(scattered)
    assert (done["par"].compacted, done["par"].files_before, done["par"].files_after) == (True, 4, 1)
    assert scattered.table("par") == before
    assert not kept(scattered)["par"].compacted, "it has what it needs"
    scattered.put("par/late.csv", "p\na0\nnew\n", "2025-05-20")
    assert scattered.counts(scattered.run(), "par") == {"read": 2, "inserted": 1, "unchanged": 1}


def test_files_that_a_reader_of_the_last_week_may_need_stay(scattered: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = scattered.there.tables / "par"
    kept(scattered)
    assert len(list(folder.glob("*.parquet"))) == 5
    assert DeltaTable(str(folder), version=3).to_pyarrow_table().num_rows > 0
    old = (NOW - timedelta(days=400)).timestamp()
    for file in folder.glob("*.parquet"):
        os.utime(file, (old, old))
    assert kept(scattered)["par"].vacuumed == 0, "what is replaced was replaced today, however old the file"


def test_a_dry_run_of_maintenance_changes_nothing(scattered: Lake) -> None:
    before = scattered.versions(), sorted(map(str, scattered.root.rglob("*.parquet")))
    kept(scattered, NOW + timedelta(days=900), dry=True)
    assert before == (scattered.versions(), sorted(map(str, scattered.root.rglob("*.parquet"))))


def test_closed_entries_go_after_a_month_and_open_ones_never(lake: Lake, tmp_path: Path) -> None:
    lake.config = load_config(configured(tmp_path / "c", PAR, KID))
    lake.put("kid/a.csv", "k,p\na,x\nb,y\n")
    lake.run()
    lake.put("par/a.csv", "p\nx\n")
    lake.run()
    assert kept(lake, NOW + timedelta(days=29))["waiting"].purged == 0
    assert kept(lake, NOW + timedelta(days=31), dry=True)["waiting"].purged == 1
    assert len(lake.waiting(still=False)) == 2
    assert kept(lake, NOW + timedelta(days=31))["waiting"].purged == 1
    assert [w["key"] for w in lake.waiting(still=False)] == ["b"]
    lake.put("par/b.csv", "p\ny\n")
    assert lake.counts(lake.run(), "kid") == {"released": 1, "inserted": 1}


def test_maintenance_keeps_away_from_an_open_run_and_from_a_held_lock(
    scattered: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with writer_lock(scattered.zones.state, "someone", 0), pytest.raises(LockHeld):
        kept(scattered)
    scattered.put("par/late.csv", "p\nnew\n", "2025-05-20")
    run_killed_at("publish", "before", scattered, monkeypatch)
    with pytest.raises(UsageError, match="is open"):
        kept(scattered)
    scattered.run()
    assert kept(scattered)["par"].compacted


def test_maintenance_that_dies_can_be_begun_again(scattered: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    before = scattered.table("par")
    for step in ("_purge", "_compact", "_last_checkpoint"):
        with monkeypatch.context() as patched:
            patched.setattr(maintenance, step, lambda *_, **__: 1 / 0)
            try:
                kept(scattered)
            except ZeroDivisionError:
                assert scattered.table("par") == before
    assert kept(scattered)["par"].files_after == 1
    assert scattered.table("par") == before


def test_runs_of_another_year_go_with_their_pages(scattered: Lake) -> None:
    folder = sorted(scattered.there.runs.iterdir())[0]
    page = scattered.there.processed / "data-docs" / folder.name
    page.mkdir(parents=True)
    old = (NOW - timedelta(days=500)).timestamp()
    for file in folder.rglob("*"):
        os.utime(file, (old, old))
    assert kept(scattered, NOW, dry=True)["runs"] == (folder.name,)
    assert kept(scattered)["runs"] == (folder.name,)
    assert not folder.exists()
    assert not page.exists()
    assert len(list(scattered.there.runs.iterdir())) == 3
