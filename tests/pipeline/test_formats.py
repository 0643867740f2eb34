"""Lakes with an open run that earlier versions left are carried on; those of later ones are refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from spark_app.errors import StateUnreadable
from spark_app.runs.writer import read_writer
from spark_app.tables import schema
from spark_app.tables.schema import LOAD_HISTORY, make_ready
from tests.formats import CURRENT, DATA, IN_BUCKETS, unpacked
from tests.lake import ORDERS, Lake, opened, order
from tests.pipeline.test_protocol import content, fill, run_killed_at

pytestmark = pytest.mark.engine

KEPT = sorted(DATA.glob("open-run-*.zip"))


def test_a_lake_of_the_present_formats_is_kept() -> None:
    assert {CURRENT, IN_BUCKETS} <= set(KEPT), "write it: python -m tests.formats"


@pytest.mark.both
@pytest.mark.parametrize("kept", KEPT, ids=[file.stem for file in KEPT])
def test_an_open_run_that_another_version_left_is_finished(lake: Lake, tmp_path: Path, kept: Path) -> None:
    fill(lake)
    lake.run(open_gate="test")
    older = Lake(tmp_path / "older", lake.engine, lake.config)
    unpacked(kept, older.root)
    first, *_ = older.runs()
    assert (first.exit_code, read_writer(older.zones.state).open_run) == (4, "")
    assert content(older) == content(lake)


def test_a_lock_a_plan_a_staging_and_a_table_of_a_newer_format_are_refused(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    run_killed_at("publish", "after", lake, monkeypatch)
    run_id = read_writer(lake.zones.state).open_run
    for file in ("plan.json", "staged/orders/staged.json"):
        path = lake.there.runs / run_id / file
        before = path.read_text()
        path.write_text(json.dumps(json.loads(before) | {"format": 99, "version": "9.0.0"}))
        with pytest.raises(StateUnreadable, match="format"):
            lake.run()
        path.write_text(before)
    sidecar = lake.there.state / "writer.json"
    before = sidecar.read_text()
    sidecar.write_text(json.dumps(json.loads(before) | {"format": 99, "of_the_future": 1}))
    with pytest.raises(StateUnreadable, match="format 99"):
        lake.run()
    sidecar.write_text(before)
    lake.run()
    monkeypatch.setattr(schema, "FORMAT", 0)
    with pytest.raises(StateUnreadable, match="The table has the format 1"):
        lake.run()


def test_a_system_table_of_an_earlier_version_gets_the_columns_that_are_new(lake: Lake) -> None:
    table = lake.zones.system_table("load_history")
    make_ready(table, LOAD_HISTORY.remove(LOAD_HISTORY.get_field_index("rows")))
    assert "rows" not in [field.name for field in opened(table).schema().fields]
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.run()
    assert [load["rows"] for load in lake.rows(table)] == [1]
