"""A contract that changes: what a table takes by itself, and what is refused with the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spark_app.config.settings import RunMode
from spark_app.errors import ContractError
from spark_app.runs.plan import load_config
from spark_app.runs.writer import read_writer
from tests.lake import Lake
from tests.pipeline.test_found_in_review import configured

pytestmark = pytest.mark.engine

TEXT = {"type": "string"}
OLD: dict[str, Any] = {"dataset": "par", "key": ["p"], "columns": {"p": TEXT, "n": {"type": "int", "nullable": True}}}


def changed(**columns: Any) -> dict[str, Any]:
    return {**OLD, "columns": {**OLD["columns"], **columns}}


NEW = changed(
    w={"type": "decimal(10,2)", "nullable": True, "optional": True},
    d={"type": "date", "nullable": True, "optional": True},
)


def use(lake: Lake, folder: Path, *contracts: dict[str, Any]) -> None:
    lake.config = load_config(configured(folder, *contracts))


@pytest.fixture
def old(lake: Lake, tmp_path: Path) -> Lake:
    """A table, and a row in quarantine, of the old contract."""
    use(lake, tmp_path / "old", OLD)
    lake.put("par/a.csv", "p,n\n1,1\n2,2\n3,x\n")
    lake.run()
    return lake


@pytest.mark.both
def test_a_new_nullable_column_is_added_and_old_rows_are_unchanged(old: Lake, tmp_path: Path) -> None:
    use(old, tmp_path / "new", NEW)
    old.put("par/b.csv", "p,n,w,d\n1,1,,\n2,2,7.5,2025-05-01\n4,4,8,\n", "2025-05-11")
    dry = old.run(RunMode.VALIDATE_ONLY)
    assert old.counts(dry, "par") == {"read": 3, "held": 3}
    assert "w" not in old.rows(old.zones.table("par"))[0]
    assert old.counts(old.run(), "par") == {"read": 3, "inserted": 1, "updated": 1, "unchanged": 1}
    found = [tuple(map(str, row)) for row in old.table("par", ["p", "n", "w", "d"])]
    assert found == [("1", "1", "None", "None"), ("2", "2", "7.50", "2025-05-01"), ("4", "4", "8.00", "None")]
    old.put("par/c.csv", "p,n\n5,5\n", "2025-05-12")
    assert old.counts(old.run(), "par") == {"read": 1, "inserted": 1}


def test_a_run_that_dies_after_it_added_a_column_is_finished(
    old: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(old, tmp_path / "new", NEW)
    old.put("par/b.csv", "p,n,w,d\n4,4,8,\n", "2025-05-11")
    with monkeypatch.context() as patch:
        patch.setattr("spark_app.tables.publish.run_step", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            old.run()
    assert old.counts(old.runs()[0], "par") == {"read": 1, "inserted": 1}


def test_rows_that_wait_are_judged_by_the_new_contract(lake: Lake, tmp_path: Path) -> None:
    child = {
        "dataset": "kid",
        "key": ["k"],
        "columns": {"k": TEXT, "p": TEXT},
        "references": [{"columns": ["p"], "dataset": "par"}],
    }
    use(lake, tmp_path / "old", OLD, child)
    lake.put("kid/a.csv", "k,p\na,1\n")
    lake.run()
    wider = {**child, "columns": {**child["columns"], "note": {"type": "string", "nullable": True, "optional": True}}}
    use(lake, tmp_path / "new", NEW, wider)
    lake.put("par/a.csv", "p,n\n1,1\n")
    assert lake.counts(lake.run(), "kid") == {"released": 1, "inserted": 1}
    assert lake.table("kid", ["k", "p", "note"]) == [("a", "1", None)]


@pytest.mark.parametrize(
    ("contract", "said"),
    [
        (changed(w={"type": "int"}), "w: table none, contract integer"),
        (changed(n={"type": "long", "nullable": True}), "n: table integer, contract long"),
        ({**OLD, "columns": {"p": TEXT}}, "n: table integer, contract none"),
        ({**changed(n={"type": "int"}), "key": ["p", "n"]}, "key: table p, contract p,n"),
    ],
)
def test_what_would_change_rows_that_are_there_is_refused_before_anything_begins(
    old: Lake, tmp_path: Path, contract: dict[str, Any], said: str
) -> None:
    use(old, tmp_path / "new", contract)
    old.put("par/b.csv", "p,n,w\n9,9,9\n", "2025-05-11")
    before = old.versions()
    with pytest.raises(ContractError, match=said) as refused:
        old.run()
    assert "archived files" in refused.value.next_step
    assert (old.versions(), read_writer(old.zones.state).open_run) == (before, "")
