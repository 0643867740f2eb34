"""Stewards take rows out of quarantine, correct them, and bring them back: each step idempotent, recorded, balanced."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spark_app.config.settings import RunMode
from spark_app.errors import UsageError
from spark_app.quality.compiler import compile_suite
from spark_app.reporting.entries import Choice
from spark_app.reporting.masking import salt_of
from spark_app.reporting.report import Report
from spark_app.runs.plan import load_config
from spark_app.runs.recall import Asked, Recall
from spark_app.stewards.archived import archived_rows
from spark_app.stewards.corrections import Corrections, corrections
from spark_app.stewards.entries import as_they_are
from spark_app.stewards.export import export
from tests.lake import ITEMS, NOW, ORDERS, PRODUCTS, Lake, item, order, product
from tests.pipeline.test_found_in_review import KID, PAR, configured
from tests.pipeline.test_protocol import WINDOWS, Killed, content, kill_at

pytestmark = pytest.mark.engine


def asked(kind: str) -> Asked:
    return Asked(kind, "rows", "a test", "me")


def again(lake: Lake, kind: str = "replay", choice: Choice | None = None, **run: Any) -> Report:
    rows = as_they_are((choice or Choice()).entries(lake.zones), waived=kind == "waive")
    return lake.runs(recall=Recall(asked(kind), rows), **run)[-1]


def exported(lake: Lake, file: Path, dataset: str = "orders", *, reveal: bool = False) -> list[dict[str, str]]:
    contract = lake.config.contracts[dataset]
    ruleset = compile_suite(lake.config.suites[dataset], contract, NOW)
    salt = None if reveal else salt_of(lake.zones.state)
    export(Choice(dataset=dataset).entries(lake.zones), contract, ruleset, salt, file)
    return list(csv.DictReader(file.read_text(encoding="utf-8-sig").splitlines())) if file.suffix == ".csv" else []


def written(file: Path, rows: list[dict[str, str]]) -> Path:
    with file.open("w", newline="") as out:
        writer = csv.DictWriter(out, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return file


def read_back(lake: Lake, file: Path, dataset: str = "orders") -> Corrections:
    entries = {entry["id"]: entry for entry in Choice(dataset=dataset).entries(lake.zones)}
    return corrections(file, lake.config.contracts[dataset], entries, salt_of(lake.zones.state))


def resubmitted(lake: Lake, file: Path, dataset: str = "orders", **run: Any) -> Report:
    return lake.runs(recall=Recall(asked("resubmit"), read_back(lake, file, dataset).rows), **run)[-1]


@pytest.mark.both
def test_a_corrected_row_comes_back_with_its_place_and_its_entry_is_closed(lake: Lake, tmp_path: Path) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "-5"), order(3, "-6"), order(4, "-7")])
    first = lake.run(open_gate="test")
    rows = exported(lake, tmp_path / "out.csv")
    assert [row["total_amount"] for row in rows] == ["-5", "-6", "-7"]
    rows[0]["total_amount"], rows[1]["total_amount"] = "5.00", "-60"
    report = resubmitted(lake, written(tmp_path / "in.csv", rows))
    assert lake.counts(report, "orders") == {"read": 2, "inserted": 1, "quarantined": 1}
    assert report.data["datasets"]["orders"]["control_totals"]["total_amount"]["read"] == "-55"
    closed, still, untouched = lake.quarantine()
    assert (closed["closed_as"], closed["closed_by_run"], closed["attempt"]) == ("inserted", report.run_id, 2)
    assert (still["closed_at"], still["attempt"], still["correction"]) == (None, 2, 1)
    assert json.loads(still["record"])["total_amount"] == "-60"
    assert (untouched["attempt"], untouched["line"]) == (1, 5)
    (row,) = (r for r in lake.rows(lake.zones.table("orders")) if r["order_id"] == "O-2")
    assert (row["source_file"], row["correction"], row["run_id"]) == ("raw/orders/a.csv", 1, report.run_id)
    assert lake.runs(run_id=first.run_id)[0].data == first.data, "the first report never changes"
    (decision,) = (d for d in lake.rows(lake.zones.system_table("decisions")) if d["kind"] == "resubmit")
    assert (decision["decided_by"], decision["reason"], decision["run_id"]) == ("me", "a test", report.run_id)


def test_to_resubmit_twice_is_to_resubmit_once(lake: Lake, tmp_path: Path) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1, "-5")])
    lake.run(open_gate="test")
    rows = exported(lake, tmp_path / "out.csv")
    rows[0]["total_amount"] = "5"
    file = written(tmp_path / "in.csv", rows)
    recall = Recall(asked("resubmit"), read_back(lake, file).rows)
    assert lake.counts(lake.runs(recall=recall)[-1], "orders") == {"read": 1, "inserted": 1}
    assert [r.why for r in read_back(lake, file).refused] == ["no open row of this dataset has its id"]
    assert lake.runs(recall=recall)[-1].status == "nothing_to_do", "who read it before"
    assert lake.table("orders", ["order_id"]) == [("O-1",)]


def test_a_correction_wins_against_its_own_file_and_loses_to_a_later_one(lake: Lake, tmp_path: Path) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1, "7"), order(2, "-5"), order(3), order(4), order(5)])
    lake.run()
    rows = exported(lake, tmp_path / "out.csv")
    rows[0] |= {"order_id": "o-1", "total_amount": "9"}
    assert lake.counts(resubmitted(lake, written(tmp_path / "in.csv", rows)), "orders") == {"read": 1, "updated": 1}
    lake.put("orders/b.csv", [ORDERS, order(1, "11")], "2025-05-20")
    assert lake.counts(lake.run(), "orders") == {"read": 1, "updated": 1}
    assert {str(r[0]) for r in lake.table("orders", ["total_amount"])} >= {"11.00"}


def test_only_what_changed_comes_back_and_wrong_lines_are_refused_by_themselves(lake: Lake, tmp_path: Path) -> None:
    lake.put("orders/a.csv", [ORDERS, *(order(n, "-1", user=f"u{n}") for n in range(1, 7))])
    lake.run(open_gate="test")
    rows = exported(lake, tmp_path / "out.csv")
    assert all(row["user_id"].startswith("~") for row in rows)
    rows[0]["total_amount"] = "1"
    rows[1]["quarantine_id"] = "nobody"
    rows[2] |= {"total_amount": "3", "user_id": rows[3]["user_id"]}
    rows[4] |= {"total_amount": "5", "user_id": "someone"}
    found = read_back(lake, written(tmp_path / "in.csv", [*rows, rows[0]]))
    assert [(r.line, r.why) for r in found.refused] == [
        (3, "no open row of this dataset has its id"),
        (4, "user_id holds a token that is not of its own value"),
        (8, "its id stands in the sheet twice"),
    ]
    assert found.unchanged == 2
    assert [(r.record["total_amount"], r.record["user_id"]) for r in found.rows] == [("1", "u1"), ("5", "someone")]


def test_a_workbook_is_exported_marked_inert_and_read_back(lake: Lake, tmp_path: Path) -> None:
    from openpyxl import load_workbook

    evil = '=HYPERLINK("http://example.org";"x")'
    lake.put(
        "orders/a.csv",
        [ORDERS, order(1, "-5"), '2,"' + evil.replace('"', '""') + '",u1,2025-05-01T10:00:00,1,2025-05-01'],
    )
    lake.run(open_gate="test")
    file = tmp_path / "out.xlsx"
    exported(lake, file)
    sheet = load_workbook(file).worksheets[0]
    head = [cell.value for cell in sheet[1]]
    amount, order_id = head.index("total_amount"), head.index("order_id")
    assert (sheet[2][amount].value, sheet[2][amount].fill.fgColor.rgb) == ("-5", "FFF4B183")
    assert (sheet[3][order_id].value, sheet[3][order_id].data_type) == ("'" + evil, "s")
    assert sheet[2][order_id].fill.fill_type is None
    assert read_back(lake, file).unchanged == 2
    book = load_workbook(file)
    book.worksheets[0].cell(2, amount + 1).value = 5.5
    book.save(tmp_path / "in.xlsx")
    report = resubmitted(lake, tmp_path / "in.xlsx")
    assert lake.counts(report, "orders") == {"read": 1, "inserted": 1}
    assert [str(r[0]) for r in lake.table("orders", ["total_amount"])] == ["5.50"]
    with pytest.raises(UsageError, match="replaces nothing"):
        exported(lake, file)


def test_a_record_that_could_not_be_split_can_be_typed_in(lake: Lake, tmp_path: Path) -> None:
    lake.put("products/a.csv", [PRODUCTS, "7,too few", product(1)])
    lake.run(open_gate="test")
    assert as_they_are(Choice().entries(lake.zones)) == ()
    rows = exported(lake, tmp_path / "out.csv", "products")
    values = {"product_id": "7", "department_id": "1", "department": "food", "product_name": 'a "b"\nc'}
    report = resubmitted(lake, written(tmp_path / "in.csv", [rows[0] | values]), "products")
    assert lake.counts(report, "products") == {"read": 1, "inserted": 1}
    assert lake.table("products", ["product_name"]) == [('a "b"\nc',), ("thing",)]


@pytest.mark.both
def test_a_replay_judges_by_the_rules_and_parents_of_today(lake: Lake, tmp_path: Path) -> None:
    rule = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "k", "value_set": ["z"]}}
    child = {**KID, "references": [{"columns": ["p"], "dataset": "par", "max_wait": "0d"}]}
    lake.config = load_config(configured(tmp_path / "a", PAR, child, suites={"kid": [rule | {"meta": {"rule": "zs"}}]}))
    lake.put("kid/a.csv", "k,p\na,x\nz,late\nz,late\n")
    lake.run()
    lake.run()
    assert sorted(q["kind"] for q in lake.quarantine()) == ["expired", "expired", "invalid"]
    lake.config = load_config(configured(tmp_path / "b", PAR, child))
    before = lake.versions()
    dry = again(lake, mode=RunMode.VALIDATE_ONLY)
    assert lake.counts(dry, "kid") == {"read": 3, "waiting": 3}
    assert lake.versions() == before
    lake.put("par/a.csv", "p\nx\nlate\n")
    lake.run()
    report = again(lake, choice=Choice(rule="par(p)"))
    assert lake.counts(report, "kid") == {"read": 2, "inserted": 1, "duplicates": 1}
    assert lake.counts(again(lake, choice=Choice(kind="invalid")), "kid") == {"read": 1, "inserted": 1}
    assert lake.table("kid") == [("a", "x"), ("z", "late")]


def test_a_replayed_row_without_its_parent_waits_and_is_released(lake: Lake, tmp_path: Path) -> None:
    child = {**KID, "references": [{"columns": ["p"], "dataset": "par", "max_wait": "0d"}]}
    lake.config = load_config(configured(tmp_path / "a", PAR, child))
    lake.put("kid/a.csv", "k,p\na,x\n")
    lake.run()
    lake.run()
    lake.config = load_config(configured(tmp_path / "b", PAR, KID))
    assert lake.counts(again(lake), "kid") == {"read": 1, "waiting": 1}
    assert [q["closed_as"] for q in lake.quarantine()] == ["waiting"]
    lake.put("par/a.csv", "p\nx\n")
    assert lake.counts(lake.run(), "kid") == {"released": 1, "inserted": 1}


def test_a_row_that_is_bad_again_after_it_waited_is_open_again(lake: Lake, tmp_path: Path) -> None:
    child = {**KID, "references": [{"columns": ["p"], "dataset": "par", "max_wait": "0d"}]}
    lake.config = load_config(configured(tmp_path / "a", PAR, child))
    lake.put("kid/a.csv", "k,p\na,x\n")
    for _ in range(2):
        lake.run()
    again(lake)
    lake.run()
    (entry,) = lake.quarantine()
    assert (entry["kind"], entry["closed_at"]) == ("expired", None)


def test_waived_rows_load_and_are_told_and_a_value_that_is_none_stays(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1, "-5"), order(2, "x"), order(3), order(4), order(5), order(6), order(7)])
    lake.run(open_gate="test")
    report = again(lake, "waive", Choice(dataset="orders"))
    assert lake.counts(report, "orders") == {"read": 2, "inserted": 1, "quarantined": 1}
    assert report.data["datasets"]["orders"]["waived"] == 1
    assert report.data["datasets"]["orders"]["reasons"] == {"total_amount_type": 1}
    assert ("O-1",) in lake.table("orders", ["order_id"])
    assert [q["closed_as"] for q in lake.quarantine()] == ["waived", None]
    waived = lake.quarantine()[0]
    assert (waived["kind"], waived["reasons"]) == ("invalid", ["total_amount_out_of_range"]), (
        "why it was put away stays"
    )


def test_a_parent_that_is_corrected_releases_its_children_in_the_same_run(lake: Lake, tmp_path: Path) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1, "-5"), order(2), order(3), order(4)])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    lake.put("order_items/a.csv", [ITEMS, item(1, 1), item(2, 2)])
    lake.run()
    rows = exported(lake, tmp_path / "out.csv")
    rows[0]["total_amount"] = "5"
    lake.put("orders/other.csv", [ORDERS, order(9)], "2025-05-20")
    report = resubmitted(lake, written(tmp_path / "in.csv", rows))
    assert lake.counts(report, "orders") == {"read": 1, "inserted": 1}
    assert lake.counts(report, "order_items") == {"released": 1, "inserted": 1}
    assert lake.raw() == ["orders/other.csv"], "raw is left alone"


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("window", [w for w in WINDOWS if w not in ("record_history", "settle_files")])
def test_a_resubmission_killed_at_any_window_is_finished_by_the_next_run(
    new_lake: Callable[[], Lake], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, window: str, when: str
) -> None:
    lakes = []
    for name in ("calm", "rough"):
        lake = new_lake()
        lake.put("orders/a.csv", [ORDERS, order(1, "-5"), order(2, "-6"), order(3)])
        lake.run(open_gate="test")
        rows = exported(lake, tmp_path / f"{name}.csv")
        rows[0]["total_amount"], rows[1]["total_amount"] = "5", "-7"
        written(tmp_path / f"{name}-in.csv", rows)
        lakes.append(lake)
    calm, rough = lakes
    resubmitted(calm, tmp_path / "calm-in.csv")
    with monkeypatch.context() as patch:
        kill_at(window, when, patch)
        with pytest.raises(Killed):
            resubmitted(rough, tmp_path / "rough-in.csv")
    assert rough.counts(rough.runs()[0], "orders") == {"read": 2, "inserted": 1, "quarantined": 1}
    assert content(rough) == content(calm)


def replayed(lake: Lake, run: str, dataset: str = "", mode: RunMode = RunMode.FULL) -> Report:
    rows = archived_rows(lake.zones, lake.config, run, dataset)
    return lake.runs(mode, recall=Recall(asked("replay"), rows))[-1]


def test_rows_of_archived_files_are_judged_by_the_rules_of_today(lake: Lake, tmp_path: Path) -> None:
    lake.config = load_config(configured(tmp_path / "a", PAR, KID))
    lake.put("par/a.csv", ["p", "a", "b", "c"])
    first = lake.run()
    rule = {"type": "expect_column_values_to_not_match_regex", "kwargs": {"column": "p", "regex": "^b$"}}
    strict = load_config(configured(tmp_path / "b", PAR, KID, suites={"par": [rule | {"meta": {"rule": "no_b"}}]}))
    lake.config = strict
    dry = replayed(lake, first.run_id, mode=RunMode.VALIDATE_ONLY)
    assert lake.counts(dry, "par") == {"read": 3, "unchanged": 2, "quarantined": 1}
    report = replayed(lake, first.run_id)
    assert lake.counts(report, "par") == {"read": 3, "unchanged": 2, "quarantined": 1}
    (entry,) = lake.quarantine()
    assert (entry["source_file"], entry["line"], entry["reasons"]) == ("raw/par/a.csv", 3, ["no_b"])
    assert lake.table("par") == [("a",), ("b",), ("c",)], "a row that was loaded stays"
    lake.config = load_config(configured(tmp_path / "c", PAR, KID))
    back = replayed(lake, first.run_id)
    assert lake.counts(back, "par") == {"read": 3, "unchanged": 3}
    (entry,) = lake.quarantine()
    assert entry["closed_as"] == "identical"
    lake.config = strict
    replayed(lake, first.run_id)
    assert [entry["closed_at"] for entry in lake.quarantine()] == [None], "what was closed is opened again"
    assert lake.below(lake.zones.archive) == [f"{first.run_id}/par/a.csv"]


def test_rows_of_a_lost_table_come_back_from_the_archive(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "-5"), order(3), order(4), order(5)])
    lake.put("order_items/a.csv", [ITEMS, item(1, 1), item(2, 9)])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    first = lake.run()
    tables = {name: lake.table(name) for name in lake.config.contracts}
    lake.zones.table("orders").remove()
    report = replayed(lake, first.run_id)
    assert lake.counts(report, "orders") == {"read": 5, "inserted": 4, "quarantined": 1}
    assert {name: lake.table(name) for name in lake.config.contracts} == tables
    assert len(lake.quarantine()) == 1
    assert len(lake.waiting()) == 1, "a row that waits, waits on"


def test_a_corrected_row_is_not_brought_back_as_it_was(lake: Lake, tmp_path: Path) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "-5"), order(3), order(4), order(5)])
    first = lake.run()
    (row,) = exported(lake, tmp_path / "out.csv")
    resubmitted(lake, written(tmp_path / "in.csv", [row | {"total_amount": "5.00"}]))
    before = lake.table("orders")
    report = replayed(lake, first.run_id)
    assert lake.counts(report, "orders") == {"read": 4, "unchanged": 4}
    assert lake.table("orders") == before
    assert [entry["closed_as"] for entry in lake.quarantine()] == ["inserted"]


def test_only_what_a_run_has_archived_is_replayed(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    first = lake.run()
    with pytest.raises(UsageError, match="No such file"):
        archived_rows(lake.zones, lake.config, first.run_id, "products")
    with pytest.raises(UsageError, match="No such file"):
        archived_rows(lake.zones, lake.config, "another", "")


def test_rows_are_chosen_by_run_dataset_rule_kind_and_file(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(1), order(2, "-5"), order(3), order(4), order(5)])
    lake.put("orders/b.csv", [ORDERS, order(6, "-6"), order(7), order(8), order(9)])
    lake.run()

    def lines(**choice: str) -> list[int]:
        return [entry["line"] for entry in Choice(**choice).entries(lake.zones)]

    assert lines() == [3, 4, 2]
    assert lines(kind="duplicate") == [3]
    assert lines(rule="total_amount_out_of_range", file="raw/orders/b.csv") == [2]
    assert lines(dataset="products") == []


@pytest.mark.parametrize("amount", ["7.00", "-70"])
def test_of_two_people_who_correct_one_row_at_once_the_first_has_done_it(
    lake: Lake, tmp_path: Path, amount: str
) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "-5"), order(3), order(4), order(5)])
    lake.run()
    (row,) = exported(lake, tmp_path / "out.csv")
    theirs = read_back(lake, written(tmp_path / "theirs.csv", [row | {"total_amount": amount}])).rows
    resubmitted(lake, written(tmp_path / "mine.csv", [row | {"total_amount": "6.00"}]))
    before = content(lake)
    report = lake.runs(recall=Recall(asked("resubmit"), theirs))[-1]
    assert report.status == "nothing_to_do"
    assert content(lake) == before


def test_a_row_that_was_waived_meanwhile_is_not_replayed(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "-5"), order(3), order(4), order(5)])
    lake.run()
    rows = as_they_are(Choice().entries(lake.zones))
    again(lake, "waive")
    before = content(lake)
    assert lake.runs(recall=Recall(asked("replay"), rows))[-1].status == "nothing_to_do"
    assert content(lake) == before


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
@pytest.mark.parametrize("reveal", [False, True])
def test_an_export_that_nobody_touched_corrects_nothing(
    lake: Lake, tmp_path: Path, suffix: str, *, reveal: bool
) -> None:
    odd = ['"\'=1+1"', '"a\r\nb"', "~0123456789", "=x", "-5", "'", "+"]
    lines = [f"{n},o-{n},{user},2025-05-01T10:00:00,-1,2025-05-01" for n, user in enumerate(odd, 1)]
    lake.put("orders/a.csv", "\r\n".join([ORDERS, *lines]) + "\r\n")
    lake.run(open_gate="test")
    sheet = tmp_path / f"out.{suffix}"
    exported(lake, sheet, reveal=reveal)
    found = read_back(lake, sheet)
    assert (len(found.rows), found.refused, found.unchanged) == (0, (), len(odd))


@pytest.mark.parametrize("kind", ["waive", "replay", "resubmit"])
def test_rows_that_an_open_run_brings_back_are_not_brought_back_twice(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "-5"), order(3), order(4), order(5)])
    lake.run()
    (row,) = exported(lake, tmp_path / "out.csv")
    mine = read_back(lake, written(tmp_path / "mine.csv", [row | {"total_amount": "5.00", "order_id": "o-77"}])).rows
    theirs = as_they_are(Choice().entries(lake.zones), waived=kind == "waive")
    if kind == "resubmit":
        theirs = read_back(lake, written(tmp_path / "theirs.csv", [row | {"order_id": "o-88"}])).rows
    with monkeypatch.context() as patch:
        kill_at("publish", "before", patch)
        with pytest.raises(Killed):
            lake.runs(recall=Recall(asked("resubmit"), mine))
    finished, after = lake.runs(recall=Recall(asked(kind), theirs))
    assert (lake.counts(finished, "orders"), after.status) == ({"read": 1, "inserted": 1}, "nothing_to_do")
    assert sorted(lake.table("orders", ["order_id"])) == [("O-1",), ("O-3",), ("O-4",), ("O-5",), ("O-77",)]
    (entry,) = lake.quarantine()
    assert (entry["closed_as"], entry["attempt"], entry["reasons"]) == ("inserted", 2, ["total_amount_out_of_range"])
