"""Upkeep joins small files where a partition has too many of them, and touches no other partition."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from spark_app.storage.local import LocalPlace
from spark_app.tables.maintenance import maintain
from tests.lake import NOW, opened

DATE, TEXT, INT, FLAG = pa.date32(), pa.string(), pa.int32(), pa.bool_()


def table(folder: Path, kind: pa.DataType, *commits: list[Any]) -> Path:
    """A table with a file a partition and commit; a value gives its row's partition."""
    for number, values in enumerate(commits):
        rows = pa.table({"id": pa.array(range(len(values))), "of": pa.array(values, kind), "n": [number] * len(values)})
        write_deltalake(folder, rows, mode="append", partition_by=["of"])
    return folder


def files(folder: Path) -> set[str]:
    return {uri.rsplit("/", 1)[1] for uri in DeltaTable(folder).file_uris()}


def rows(folder: Path) -> list[str]:
    return sorted(map(str, DeltaTable(folder).to_pyarrow_table().to_pylist()))


def upkeep(folder: Path, cluster_by: tuple[str, ...], above: int = 2) -> Any:
    return maintain(opened(LocalPlace(folder)), LocalPlace(folder), cluster_by, above, NOW, entries=False, dry=False)


@pytest.mark.parametrize("cluster_by", [("id",), ()])
@pytest.mark.parametrize(
    ("kind", "crowded", "other"),
    [
        (DATE, dt.date(2025, 5, 1), dt.date(2025, 5, 2)),
        (TEXT, "it's a, b/c=d", "e"),
        (INT, -7, 8),
        (TEXT, "a", None),
    ],
    ids=str,
)
def test_only_a_partition_of_many_small_files_is_compacted(
    tmp_path: Path, kind: pa.DataType, crowded: Any, other: Any, cluster_by: tuple[str, ...]
) -> None:
    folder = table(tmp_path / "t", kind, [crowded, other], [crowded], [crowded, other])
    before, was = rows(folder), files(folder)
    done = upkeep(folder, cluster_by)
    assert (done.compacted, done.files_before, done.files_after) == (True, 5, 3)
    assert len(was & files(folder)) == 2, "those of the other partition"
    assert rows(folder) == before
    assert not upkeep(folder, cluster_by).compacted


def test_crowded_partitions_share_a_commit(tmp_path: Path) -> None:
    folder = table(tmp_path / "t", TEXT, *([["a", "b", "c"]] * 3))
    version = DeltaTable(folder).version()
    assert upkeep(folder, ("id",)).files_after == 3
    assert DeltaTable(folder).version() == version + 1


@pytest.mark.parametrize(("kind", "crowded", "other"), [(FLAG, True, False), (TEXT, None, "a"), (TEXT, "", "a")])
def test_for_a_partition_that_no_filter_surely_finds_the_whole_table_is_compacted(
    tmp_path: Path, kind: pa.DataType, crowded: Any, other: Any
) -> None:
    folder = table(tmp_path / "t", kind, [crowded, other], [crowded, other], [crowded])
    assert upkeep(folder, ()).files_after == 2
    assert not upkeep(folder, ()).compacted


def test_of_two_partition_columns_all_that_share_the_firsts_value_are_compacted(tmp_path: Path) -> None:
    for shops in (3, 3, 1):
        rows = pa.table({"day": ["a", "a", "b"], "shop": ["x", "y", "x"], "n": [1, 2, 3]}).slice(0, shops)
        write_deltalake(tmp_path / "t", rows, mode="append", partition_by=["day", "shop"])
    assert upkeep(tmp_path / "t", ()).files_after == 4, "one each of a/x and a/y, two of b/x"


def test_told_what_it_would_do_it_does_nothing(tmp_path: Path) -> None:
    folder = table(tmp_path / "t", TEXT, *([["a"]] * 3))
    told = maintain(opened(LocalPlace(folder)), LocalPlace(folder), (), 2, NOW, entries=False, dry=True)
    assert (told.compacted, told.files_before, told.files_after) == (True, 3, 3)
    assert DeltaTable(folder).version() == 2


def test_a_table_without_partitions_is_compacted_as_a_whole(tmp_path: Path) -> None:
    for number in range(3):
        write_deltalake(tmp_path / "t", pa.table({"id": [number]}), mode="append")
    assert upkeep(tmp_path / "t", ("id",)).files_after == 1
