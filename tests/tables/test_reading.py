"""Whether there is a table, and what is told of one that cannot be read."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from spark_app.errors import ForeignCommit, StateUnreadable
from spark_app.storage.local import LocalPlace
from spark_app.tables.commits import landed
from spark_app.tables.reading import newest
from tests.lake import opened


@pytest.fixture
def table(tmp_path: Path) -> Path:
    for number in range(2):
        write_deltalake(tmp_path / "t", pa.table({"id": [number]}), mode="append")
    return tmp_path / "t"


def test_a_folder_in_which_nothing_was_committed_is_no_table(tmp_path: Path) -> None:
    for folder in (tmp_path / "missing", tmp_path / "empty", tmp_path / "begun/_delta_log"):
        if folder.name != "missing":
            folder.mkdir(parents=True)
    (tmp_path / "begun/_delta_log/_commit_1.json.tmp").write_text("{")
    assert [newest(LocalPlace(tmp_path / name)) for name in ("missing", "empty", "begun")] == [None, None, None]
    assert not (tmp_path / "missing").exists(), "a question makes no folder"


def _first(log: Path) -> Path:
    return log / f"{0:020}.json"


@pytest.mark.parametrize(
    "harm",
    [
        lambda log: _first(log).write_text('{"add": '),
        lambda log: _first(log).write_text(""),
        lambda log: _first(log).unlink(),
        lambda log: [_first(log).rename(log / f"{0:020}.{1:020}.compacted.json"), (log / f"{1:020}.json").unlink()],
        lambda log: [shutil.rmtree(log), log.mkdir(), (log / f"{0:020}.crc").write_text("{}")],
    ],
    ids=["cut", "emptied", "lost", "compacted alone", "checksum alone"],
)
def test_a_damaged_log_is_named_and_never_taken_for_no_table(table: Path, harm: Callable[[Path], object]) -> None:
    harm(table / "_delta_log")
    with pytest.raises(StateUnreadable, match="log of a table is damaged") as found:
        newest(LocalPlace(table))
    assert found.value.where == str(table / "_delta_log")


def test_steps_are_looked_for_in_a_table_that_is_up_to_date(table: Path) -> None:
    """Why `landed` asks for one that was opened just now."""
    old = opened(LocalPlace(table))
    write_deltalake(table, pa.table({"id": [2]}), mode="append")
    assert [entry["version"] for entry in old.history(1)] != [2]
    old.update_incremental()
    assert [entry["version"] for entry in old.history(1)] == [2]
    with pytest.raises(ForeignCommit, match="version 2"):
        landed(old, LocalPlace(table), 1, "r1")
