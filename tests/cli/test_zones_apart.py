"""Zones that do not share a root: as Glue's arguments and the reference's two raw prefixes name them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spark_app.cli.lake import Lake
from spark_app.errors import UsageError
from tests.cli.test_commands import lakehouse
from tests.lake import ORDERS, order


def put(file: Path, *orders: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join((ORDERS, *orders)) + "\n", encoding="utf-8")


def apart(folder: Path) -> list[str]:
    addresses = {
        "--raw": ("in/raw", "in/raw-zone"),
        "--processed": ("out",),
        "--archive": ("old",),
        "--rejected": ("bad",),
    }
    return [part for option, names in addresses.items() for name in names for part in (option, str(folder / name))]


@pytest.mark.engine
def test_two_raw_zones_are_one_run_and_files_of_one_name_never_meet(tmp_path: Path) -> None:
    put(tmp_path / "in/raw/orders/day.csv", order(1))
    put(tmp_path / "in/raw-zone/orders/day.csv", order(2), order(3, "-1"))
    done = lakehouse("run", *apart(tmp_path), "--json")
    report = json.loads(done.stdout)
    assert (done.returncode, report["datasets"]["orders"]["inserted"]) == (3, 1), done.stderr
    held = [f for f in report["datasets"]["orders"]["files"] if f["status"] == "held"]
    assert [f["uri"] for f in held] == ["raw/raw-zone/orders/day.csv"]
    assert "raw-zone/orders/day.csv" in lakehouse("status", *apart(tmp_path)).stdout
    done = lakehouse("run", *apart(tmp_path), "--open-gate", "seen")
    assert done.returncode == 0, done.stderr
    kept = sorted(
        f.relative_to(tmp_path / "old").as_posix().partition("/")[2] for f in (tmp_path / "old").rglob("*.csv")
    )
    assert kept == ["raw-zone/orders/day.csv", "raw/orders/day.csv"]
    shown = lakehouse("quarantine", "list", *apart(tmp_path))
    assert "raw-zone/orders/day.csv" in shown.stdout


@pytest.mark.engine
def test_no_path_of_one_raw_zone_is_one_of_another_in_the_archive_and_both_are_replayed(tmp_path: Path) -> None:
    put(tmp_path / "in/raw/orders/raw-zone/day.csv", order(1))
    put(tmp_path / "in/raw-zone/orders/day.csv", order(2))
    assert lakehouse("run", *apart(tmp_path), "--run-id", "one").returncode == 0
    assert len(list((tmp_path / "old/one").rglob("day.csv"))) == 2
    done = lakehouse("replay", *apart(tmp_path), "--archived", "--run", "one", "--json")
    assert done.returncode == 0, done.stderr
    counts = json.loads(done.stdout)["datasets"]["orders"]
    assert (counts["read"], counts["unchanged"]) == (2, 2)


@pytest.mark.engine
def test_the_next_command_that_is_shown_names_the_same_zones(tmp_path: Path) -> None:
    put(tmp_path / "in/raw/orders/day.csv", order(1), order(2, "-1"))
    (tmp_path / "in/raw-zone").mkdir()
    told = lakehouse("run", *apart(tmp_path), COLUMNS="1000")
    assert f"lakehouse quarantine show {' '.join(apart(tmp_path))} --run" in told.stdout


def test_a_root_and_one_zone_apart(tmp_path: Path) -> None:
    zones = Lake(root=str(tmp_path), processed=str(tmp_path.parent / "elsewhere")).zones()
    assert str(zones.raw[0]) == str(tmp_path / "raw")
    assert str(zones.processed) == str(tmp_path.parent / "elsewhere")


@pytest.mark.parametrize(
    ("lake", "said"),
    [
        (Lake(), "not named"),
        (Lake(raw=("a",), processed="b"), "No archive, rejected"),
        (Lake(raw=("a",), processed="a/b", archive="c", rejected="d"), "lies in another"),
        (Lake(raw=("a",), processed="b", archive="b", rejected="d"), "lies in another"),
        (Lake(raw=("s3://bucket",), processed="s3://bucket/b", archive="c", rejected="d"), "lies in another"),
        (Lake(raw=("s3://bucket/a",), processed="s3://bucket/b", archive="c", rejected="d"), "partly in folders"),
        (Lake(raw=("a/raw", "b/raw"), processed="p", archive="c", rejected="d"), "same last name"),
        (Lake(raw=("a",), processed="b", archive="a/../a/old", rejected="d"), "lies in another"),
        (Lake(raw=("",), processed="b", archive="c", rejected="d"), "is no place"),
        (Lake(raw=("ftp://a",), processed="p", archive="c", rejected="d"), "is no place"),
        (Lake(raw=("a",), processed="p q", archive="c", rejected="d"), "holds ' '"),
    ],
)
def test_zones_that_cannot_be_are_refused(lake: Lake, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        lake.zones()


@pytest.mark.engine
def test_the_lake_may_be_named_by_the_environment(tmp_path: Path) -> None:
    put(tmp_path / "raw/orders/day.csv", order(1))
    assert "orders" in lakehouse("plan", LAKEHOUSE_ROOT=str(tmp_path)).stdout
    assert lakehouse("plan").returncode == 2
