"""What surrounds a run fails: one clear error of exit 6, nothing lost, and the next run goes on."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from spark_app.engine.port import Engine
from spark_app.errors import StateUnreadable, StorageDenied
from spark_app.runs.abandon import abandon_run
from spark_app.runs.plan import Config
from spark_app.runs.writer import read_writer
from tests.lake import ORDERS, Lake, order
from tests.pipeline.test_protocol import run_killed_at

pytestmark = [pytest.mark.engine, pytest.mark.both]


def _mount(folder: Path, *options: str) -> None:
    done = subprocess.run(
        ["mount", "-t", "tmpfs", *options, "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no small file system can be mounted here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    _mount(folder, "-o", "size=3m")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_stops_a_run_that_goes_on_when_there_is_room(
    small_disk: Path, engine: Engine, config: Config
) -> None:
    lake = Lake(small_disk / "lake", engine, config)
    lake.put("orders/a.csv", [ORDERS, *(order(n, f"{n}.25", user=f"user-{n * 7919}") for n in range(1, 30_000))])
    with pytest.raises(StorageDenied, match="The disk is full") as stopped:
        lake.run()
    assert (stopped.value.exit_code, lake.raw()) == (6, ["orders/a.csv"])
    _mount(small_disk, "-o", "remount,size=64m")
    first = lake.runs()[0]
    assert lake.counts(first, "orders") == {"read": 29_999, "inserted": 29_999}


def test_a_damaged_staged_file_is_named_and_the_run_can_be_given_up(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2)])
    run_killed_at("publish", "before", lake, monkeypatch)
    run_id = read_writer(lake.zones.state).open_run
    for file in (lake.there.runs / run_id / "staged").rglob("rows/*.parquet"):
        file.write_bytes(file.read_bytes()[:100])
        for checksum in file.parent.glob(".*.crc"):
            checksum.unlink()
    with pytest.raises(StateUnreadable, match="damaged") as stopped:
        lake.run()
    assert stopped.value.where.endswith(".parquet") or not stopped.value.where
    abandon_run(lake.zones, run_id)
    assert lake.counts(lake.runs()[0], "orders") == {"read": 2, "inserted": 2}


def test_a_lost_file_of_a_table_is_an_error_of_the_surroundings(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.run()
    for file in (lake.there.tables / "orders").rglob("*.parquet"):
        if "_delta_log" not in file.parts:
            file.unlink()
    lake.put("orders/b.csv", [ORDERS, order(1, "11")], "2025-05-20")
    with pytest.raises(StateUnreadable, match="is gone"):
        lake.run()
    assert lake.raw() == ["orders/b.csv"]
    abandon_run(lake.zones, read_writer(lake.zones.state).open_run)
