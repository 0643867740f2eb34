"""Faults that a review found: each was a failing test before it was mended."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from spark_app.config.settings import RunMode
from spark_app.errors import ContractError, SuiteError, UsageError
from spark_app.reporting.trace import trace
from spark_app.runs.abandon import abandon_run, accept_commit
from spark_app.runs.plan import load_config
from spark_app.runs.writer import read_writer
from tests.lake import ITEMS, NOW, ORDERS, PRODUCTS, Lake, item, order, product
from tests.pipeline.test_protocol import During, run_killed_at, someone_deletes_a_row_of_an_open_run

pytestmark = pytest.mark.engine


def configured(folder: Path, *contracts: dict[str, Any], suites: dict[str, list[dict[str, Any]]] | None = None) -> Path:
    for part in ("contracts", "ge_suites"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    for contract in contracts:
        name = contract["dataset"]
        (folder / "contracts" / f"{name}.yaml").write_text(yaml.safe_dump(contract))
        rules = (suites or {}).get(name, [])
        (folder / "ge_suites" / f"{name}.json").write_text(json.dumps({"name": name, "expectations": rules}))
    return folder


PAR = {"dataset": "par", "key": ["p"], "columns": {"p": {"type": "string"}}}
KID = {
    "dataset": "kid",
    "key": ["k"],
    "columns": {"k": {"type": "string"}, "p": {"type": "string"}},
    "references": [{"columns": ["p"], "dataset": "par"}],
}


def test_what_a_dry_run_left_behind_is_not_taken_for_this_runs(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    run_killed_at("put_away", "before", lake, monkeypatch, RunMode.VALIDATE_ONLY, run_id="R1")
    lake.put("orders/b.csv", [ORDERS, order(2)])
    assert lake.counts(lake.run(run_id="R1"), "orders") == {"read": 2, "inserted": 2}


def test_a_copy_shares_the_fate_of_the_file_that_is_read_in_its_place(lake: Lake) -> None:
    for name in ("a", "b"):
        lake.put(f"orders/{name}.csv", [ORDERS, order(1, "-1")], f"2025-05-1{'ab'.index(name)}")
    report = lake.run()
    assert {n: f["status"] for n, f in lake.files(report).items()} == {"orders/a.csv": "held", "orders/b.csv": "held"}
    assert lake.raw() == ["orders/a.csv", "orders/b.csv"]


def test_a_damaged_workbook_is_rejected_and_the_others_load(lake: Lake) -> None:
    import io
    import zipfile

    from openpyxl import Workbook

    book, whole, broken = Workbook(), io.BytesIO(), io.BytesIO()
    book.active.append(PRODUCTS.split(","))
    book.active.append([1, 2, "x", "y"])
    book.save(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(broken, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            target.writestr(name, data[: len(data) // 2] if "sheet1" in name else data)
    lake.put("products/a.xlsx", broken.getvalue())
    lake.put("products/b.csv", [PRODUCTS, product(1)])
    report = lake.run()
    assert {n: f["status"] for n, f in lake.files(report).items()} == {
        "products/a.xlsx": "rejected",
        "products/b.csv": "loaded",
    }


def test_an_amount_of_many_digits_is_quarantined_and_the_totals_are_exact(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), order(2, "1" * 24), order(3, "1" * 24 + ".123456"), order(4, "9" * 29)])
    total = lake.run(open_gate="test").data["datasets"]["orders"]["control_totals"]["total_amount"]
    assert total["read"] == "2" * 22 + "32.123456"
    assert total["not_numbers"] == 1


def test_wrong_suites_and_contracts_are_refused_before_anything_begins(tmp_path: Path) -> None:
    wrong = [{"type": "expect_column_values_to_be_null", "kwargs": {"column": "nope"}}]
    with pytest.raises(SuiteError):
        load_config(configured(tmp_path / "a", PAR, suites={"par": wrong}))
    for columns in ({"p": {"type": "decimal(5,9)"}}, {"p": {"type": "string"}, "outcome": {"type": "string"}}):
        with pytest.raises(ContractError):
            load_config(configured(tmp_path / "b", {**PAR, "columns": columns}))
    with pytest.raises(ContractError):
        load_config(configured(tmp_path / "c", {**PAR, "csv": {"delimiter": "¦"}}))


def test_the_same_bytes_read_again_while_their_rows_wait_are_duplicates_of_themselves(
    lake: Lake, tmp_path: Path
) -> None:
    lake.config = load_config(configured(tmp_path / "config", PAR, KID))
    for name, text in (("1", "k,p\na,x\nb,x\n"), ("2", "k,p\na,y\n"), ("3", "k,p\na,x\nb,x\n")):
        lake.put(f"kid/{name}.csv", text, f"2025-05-0{name}")
        report = lake.run()
    assert lake.counts(report, "kid") == {"read": 2, "released": 2, "duplicates": 2, "waiting": 2}
    assert len(lake.waiting()) == 3
    lake.put("par/a.csv", "p\nx\ny\n")
    report = lake.run()
    assert report.data["datasets"]["kid"]["released"] == 3
    assert lake.waiting() == []
    assert lake.table("kid") == [("a", "x"), ("b", "x")], "the newest source time wins, also of bytes that waited"


def test_one_file_in_two_datasets_gives_entries_of_each(lake: Lake, tmp_path: Path) -> None:
    other = {**PAR, "dataset": "zar"}
    lake.config = load_config(configured(tmp_path / "config", PAR, other))
    for text, modified in (("p\n1\n,\n", "2025-05-01"), ("p\n2\n", "2025-05-02"), ("p\n1\n,\n", "2025-05-03")):
        for dataset in ("par", "zar"):
            lake.put(f"{dataset}/{modified}.csv", text, modified)
        report = lake.run(open_gate="test")
        assert all(d["balanced"] for d in report.data["datasets"].values())
    assert sorted(q["dataset"] for q in lake.quarantine()) == ["par", "zar"]


def test_a_critical_aggregate_that_fails_holds_the_dataset_and_releases_nothing(lake: Lake, tmp_path: Path) -> None:
    lake.config = load_config(configured(tmp_path / "free", PAR, KID))
    lake.put("kid/a.csv", "k,p\na,x\n")
    lake.run()
    rule = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1.5, "max_value": 1e9}}
    lake.config = load_config(configured(tmp_path / "strict", PAR, KID, suites={"kid": [rule]}))
    lake.put("par/a.csv", "p\nx\n")
    lake.put("kid/b.csv", "k,p\nb,x\n")
    lake.put("kid/broken.csv", "k,p\n" + "c,x\n" * 5 + '"')
    report = lake.run()
    assert (report.exit_code, lake.counts(report, "kid")) == (3, {})
    assert {n: f["status"] for n, f in lake.files(report).items() if n.startswith("kid")} == {
        "kid/b.csv": "held",
        "kid/broken.csv": "rejected",
    }
    assert len(lake.waiting()) == 1


def test_follow_ups_are_named_by_the_run_they_follow_and_a_held_one_is_not_tried_again(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.observer = During(lambda: lake.put("orders/late.csv", [ORDERS, order(2, "-1")]))
    reports = lake.runs()
    assert [r.exit_code for r in reports] == [0, 3]
    assert reports[0].data["follow_ups"] == [reports[1].run_id]


def test_a_finished_run_id_of_another_mode_is_refused(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.run(RunMode.VALIDATE_ONLY, run_id="look")
    with pytest.raises(UsageError, match="its mode was validate_only"):
        lake.run(run_id="look")


def test_a_lake_without_raw_is_an_error_not_nothing_to_do(lake: Lake) -> None:
    with pytest.raises(UsageError, match="no raw zone"):
        lake.run()


def test_a_file_name_that_is_not_utf8_stays_in_raw(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    (lake.there.raw / "orders" / "b\udcff.csv").write_text("x")
    report = lake.run()
    assert (report.exit_code, lake.counts(report, "orders")) == (4, {"read": 1, "inserted": 1})
    assert [p["uri"] for p in report.data["other_files"]] == ["raw/orders/b\\xff.csv"]


def test_expired_rows_have_reasons_in_the_report(lake: Lake, tmp_path: Path) -> None:
    child = {**KID, "references": [{"columns": ["p"], "dataset": "par", "max_wait": "0d"}]}
    lake.config = load_config(configured(tmp_path / "config", PAR, child))
    lake.put("kid/a.csv", "k,p\na,x\n")
    lake.run()
    assert lake.run().data["datasets"]["kid"]["reasons"] == {"par(p)": 1}


def test_a_commit_of_someone_else_can_be_accepted(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    someone_deletes_a_row_of_an_open_run(lake, monkeypatch)
    accept_commit(lake.zones, read_writer(lake.zones.state).open_run, "orders", lake.versions()["orders"])
    assert lake.counts(lake.runs()[0], "orders") == {"read": 1, "inserted": 1}


def test_a_run_whose_plan_is_damaged_can_be_given_up(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    run_killed_at("_staged", "before", lake, monkeypatch)
    run_id = read_writer(lake.zones.state).open_run
    (lake.there.runs / run_id / "plan.json").write_text('{"format": 1}')
    abandon_run(lake.zones, run_id)
    assert lake.counts(lake.run(), "orders") == {"read": 1, "inserted": 1}


@pytest.mark.both
def test_files_in_raw_may_have_any_name(lake: Lake) -> None:
    names = ["sp ace", "ü [b]x", "p%20q 100%", "a#b?c", "it's", "a`b", "{a,b}*", "new\nline"]
    for number, name in enumerate(names):
        lake.put(f"orders/{name}/{name}.csv", [ORDERS, order(number + 1), order(100 + number, "-1")])
    report = lake.run(open_gate="test")
    n = len(names)
    assert lake.counts(report, "orders") == {"read": 2 * n, "inserted": n, "quarantined": n}
    assert {q["source_file"] for q in lake.quarantine()} == {f"raw/orders/{name}/{name}.csv" for name in names}
    assert lake.raw() == []


LATER = NOW + timedelta(days=30)


def read_again_while_it_waits(lake: Lake, tmp_path: Path, row: str, **config: Any) -> None:
    """A row waits; other content loads after it; then its very bytes are put into raw once more."""
    lake.config = load_config(configured(tmp_path / "config", PAR, KID))
    lake.put("kid/1.csv", f"k,p\n{row}\n", "2025-05-01")
    lake.run()
    lake.put("kid/2.csv", "k,p\nz,zz\n", "2025-05-02")
    lake.run()
    lake.put("kid/3.csv", f"k,p\n{row}\n", "2025-05-03")
    if config:
        lake.config = load_config(configured(tmp_path / "other", PAR, KID, **config))


@pytest.mark.both
def test_a_row_that_expires_while_its_bytes_are_read_again_is_one_row(lake: Lake, tmp_path: Path) -> None:
    read_again_while_it_waits(lake, tmp_path, "a,x")
    report = lake.run(now=LATER)
    assert lake.counts(report, "kid") == {"read": 1, "released": 1, "quarantined": 2}, "to be sent again is no new wait"
    assert lake.counts(lake.run(now=LATER), "kid") == {"released": 1, "quarantined": 1}
    assert lake.waiting() == []
    ids = [q["id"] for q in lake.quarantine()]
    assert len(ids) == len(set(ids)) == 2


def test_a_row_that_breaks_a_new_rule_while_its_bytes_are_read_again_is_one_row(lake: Lake, tmp_path: Path) -> None:
    rule = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "k", "value_set": ["z"]}}
    read_again_while_it_waits(lake, tmp_path, "a,x", suites={"kid": [rule | {"severity": "critical"}]})
    lake.put("par/a.csv", "p\nx\n")
    for _ in range(2):
        report = lake.run(open_gate="test", now=LATER)
        assert report.data["datasets"]["kid"]["balanced"]
    kept = [(q["kind"], q["key"]) for q in lake.quarantine()]
    assert sorted(kept) == [("expired", "z"), ("invalid", "a")]


def test_two_of_the_same_bytes_that_lose_to_a_third_row_are_one_entry(lake: Lake, tmp_path: Path) -> None:
    read_again_while_it_waits(lake, tmp_path, "a,x")
    lake.put("kid/4.csv", "k,p\na,y\n", "2025-05-04")
    lake.put("par/a.csv", "p\nx\ny\n")
    for _ in range(2):
        assert lake.run().data["datasets"]["kid"]["balanced"]
    assert lake.table("kid") == [("a", "y")]
    ids = [q["id"] for q in lake.quarantine()]
    assert len(ids) == len(set(ids))
    assert [w["key"] for w in lake.waiting()] == ["z"]


def test_a_row_that_expired_waits_again_when_its_old_file_comes_back(lake: Lake, tmp_path: Path) -> None:
    read_again_while_it_waits(lake, tmp_path, "a,x")
    again = lake.there.raw / "kid" / "3.csv"
    again.rename(tmp_path / "3.csv")
    lake.run(now=LATER)
    assert lake.waiting() == []
    lake.put("kid/3.csv", (tmp_path / "3.csv").read_bytes(), "2025-05-01")
    assert lake.counts(lake.run(now=LATER), "kid") == {"read": 1, "waiting": 1}
    assert [w["key"] for w in lake.waiting()] == ["a"]


def test_a_run_whose_id_ends_anothers_does_not_take_its_commits(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.run(run_id="x-1")
    lake.put("orders/b.csv", [ORDERS, order(2)], "2025-05-11")
    run_killed_at("_staged", "before", lake, monkeypatch, run_id="1")
    abandon_run(lake.zones, "1")
    assert lake.counts(lake.run(), "orders") == {"read": 1, "inserted": 1}


def test_rows_that_come_back_are_not_held_by_a_rule_about_a_batch_that_there_is_not(lake: Lake, tmp_path: Path) -> None:
    rule = {"type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1}}
    lake.config = load_config(configured(tmp_path / "c", PAR, KID, suites={"kid": [rule]}))
    lake.put("kid/a.csv", "k,p\na,x\n")
    lake.run()
    lake.put("par/a.csv", "p\nx\n")
    assert lake.counts(lake.run(), "kid") == {"released": 1, "inserted": 1}


def test_a_file_at_the_gates_limit_passes(lake: Lake, tmp_path: Path) -> None:
    par = PAR | {"gate": {"max_invalid_ratio": 0.29}}
    rule = {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "p", "regex": "^ok"}}
    lake.config = load_config(configured(tmp_path / "c", par, suites={"par": [rule]}))
    lake.put("par/a.csv", ["p", *(f"ok{n}" for n in range(71)), *(f"no{n}" for n in range(29))])
    assert lake.counts(lake.run(), "par") == {"read": 100, "inserted": 71, "quarantined": 29}


def test_a_follow_up_has_the_now_of_its_run_and_a_closed_gate(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    lake.observer = During(lambda: lake.put("orders/late.csv", [ORDERS, order(2, "-1")]))
    first, second = lake.runs(open_gate="only today")
    assert (first.exit_code, second.exit_code) == (0, 3)
    assert second.data["now"] == first.data["now"] == NOW.isoformat()


UNCLE = {"dataset": "uncle", "key": ["u"], "columns": {"u": {"type": "string"}}}
IMPATIENT = {
    **KID,
    "columns": {**KID["columns"], "u": {"type": "string"}},
    "references": [
        {"columns": ["p"], "dataset": "par", "max_wait": "1d"},
        {"columns": ["u"], "dataset": "uncle", "max_wait": "7d"},
    ],
}


@pytest.mark.both
def test_a_row_waits_as_long_as_the_parents_that_it_still_lacks_may_take(lake: Lake, tmp_path: Path) -> None:
    lake.config = load_config(configured(tmp_path / "c", PAR, UNCLE, IMPATIENT))
    lake.put("kid/a.csv", "k,p,u\na,x,y\nb,z,y\n")
    lake.run()
    lake.put("par/a.csv", "p\nx\n")
    assert lake.counts(lake.run(now=NOW + timedelta(hours=1)), "kid") == {}
    first = {w["key"]: (w["missing"], w["expires_at"] - NOW) for w in lake.waiting()}
    assert first == {
        "a": (["uncle(u)"], timedelta(days=7)),
        "b": (["par(p)", "uncle(u)"], timedelta(days=1)),
    }
    report = lake.run(now=NOW + timedelta(days=2))
    assert lake.counts(report, "kid") == {"released": 1, "quarantined": 1}
    assert [w["key"] for w in lake.waiting()] == ["a"]
    lake.put("uncle/a.csv", "u\ny\n")
    assert lake.counts(lake.run(now=NOW + timedelta(days=6)), "kid") == {"released": 1, "inserted": 1}


@pytest.mark.parametrize("at_once", [False, True])
def test_a_newer_copy_of_what_is_loaded_holds_off_an_older_version(lake: Lake, *, at_once: bool) -> None:
    for name, version, day in (("a", "v2", "2025-05-02"), ("b", "v2", "2025-05-05"), ("c", "v1", "2025-05-03")):
        lake.put(f"products/{name}.csv", [PRODUCTS, product(1, version)], day)
        if not at_once:
            lake.run()
    lake.run()
    assert lake.table("products", ["product_name"]) == [("v2",)]


@pytest.mark.parametrize("at_once", [False, True])
def test_a_file_sent_again_is_no_correction_of_a_correction(lake: Lake, *, at_once: bool) -> None:
    for name, amount, day in (("a", "1", "2025-05-02"), ("b", "2", "2025-05-03"), ("c", "1", "2025-05-05")):
        lake.put(f"orders/{name}.csv", [ORDERS, order(1, amount)], day)
        if not at_once:
            lake.run()
    lake.run()
    assert [str(r[0]) for r in lake.table("orders", ["total_amount"])] == ["2.00"]


def test_a_dry_run_does_not_find_a_parent_that_its_own_winner_replaces(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1, user="u1")])
    lake.put("products/a.csv", [PRODUCTS, product(1)])
    lake.run()
    lake.put("orders/b.csv", [ORDERS, order(1, user="u9")], "2025-05-11")
    lake.put("order_items/a.csv", [ITEMS, item(1, 1)])
    dry = lake.counts(lake.run(RunMode.VALIDATE_ONLY), "order_items")
    assert dry == lake.counts(lake.run(), "order_items") == {"read": 1, "waiting": 1}


@pytest.mark.both
def test_a_key_is_told_in_one_form_however_a_file_writes_it(lake: Lake, tmp_path: Path) -> None:
    kinds = {"d": "date", "t": "timestamp", "a": "decimal(10,2)", "b": "boolean", "n": "int"}
    contract = {"dataset": "odd", "key": list(kinds), "columns": {name: {"type": kind} for name, kind in kinds.items()}}
    lake.config = load_config(configured(tmp_path / "c", contract))
    lines = ["2025-05-01,2025-05-01T10:00:00.5,1.5,true,7", "05/01/2025,2025-05-01 12:00:00.50+02:00,+1.500,yes,7.0"]
    lake.put("odd/a.csv", ["d,t,a,b,n", *lines, "x,2025-05-01 10:00,1,no,8"])
    assert lake.counts(lake.run(), "odd") == {"read": 3, "inserted": 1, "duplicates": 1, "quarantined": 1}
    keys = [q["key"] for q in lake.quarantine()]
    assert keys == ["2025-05-01|2025-05-01 10:00:00.5|1.50|true|7", "x|2025-05-01 10:00:00|1.00|false|8"]
    for key in (*keys, lines[0]):
        asked = "|".join(key.split(","))
        assert "quarantine" in {step.where for step in trace(lake.zones, lake.config.contracts["odd"], asked).steps}


def test_a_follow_up_does_not_archive_a_copy_of_a_file_that_is_held(lake: Lake) -> None:
    bad = [ORDERS, order(1, "-1")]
    lake.put("orders/a.csv", bad)
    lake.observer = During(lambda: lake.put("orders/copy.csv", bad, "2025-05-12"))
    first, second = lake.runs()
    assert (first.exit_code, second.exit_code) == (3, 3)
    assert lake.raw() == ["orders/a.csv", "orders/copy.csv"]


def test_a_copy_of_a_rejected_file_is_rejected_with_it(lake: Lake) -> None:
    for name in ("a", "b"):
        lake.put(f"orders/{name}.csv", "nothing of a header\n1\n", f"2025-05-1{'ab'.index(name)}")
    report = lake.run()
    assert {f["status"] for f in lake.files(report).values()} == {"rejected"}
    assert {bool(f["fix"]) for f in lake.files(report).values()} == {True}
    assert lake.raw() == []
    errors = sorted(f.name for f in lake.there.rejected.rglob("*.error.json"))
    assert errors == ["a.csv.error.json", "b.csv.error.json"]


def test_a_key_of_time_is_traced_in_its_contracts_zone(lake: Lake, tmp_path: Path) -> None:
    contract = {"dataset": "log", "key": ["t"], "columns": {"t": {"type": "timestamp"}}, "timezone": "America/New_York"}
    lake.config = load_config(configured(tmp_path / "c", contract))
    lake.put("log/a.csv", "t\n2025-05-01T10:00:00\n2025-05-01T10:00:00\n")
    lake.run()
    for asked in ("2025-05-01T10:00:00", "2025-05-01 14:00:00+00:00"):
        found = trace(lake.zones, lake.config.contracts["log"], asked)
        assert [step.where for step in found.steps] == ["table", "quarantine"], asked


def test_a_row_that_is_sent_again_each_day_expires_when_its_first_wait_is_over(lake: Lake, tmp_path: Path) -> None:
    child = {**KID, "references": [{"columns": ["p"], "dataset": "par", "max_wait": "2d"}]}
    lake.config = load_config(configured(tmp_path / "c", PAR, child))
    kinds = []
    for day in range(4):
        lake.put("kid/a.csv", "k,p\na,x\n", f"2025-05-0{day + 1}")
        lake.run(now=NOW + timedelta(days=day))
        kinds.append({q["kind"] for q in lake.quarantine() if q["kind"] == "expired"})
    assert kinds == [set(), set(), {"expired"}, {"expired"}]


def test_a_dry_run_under_the_id_of_an_open_run_is_refused(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    run_killed_at("put_away", "before", lake, monkeypatch, run_id="R1")
    with pytest.raises(UsageError, match="is open"):
        lake.run(RunMode.VALIDATE_ONLY, run_id="R1")
    assert lake.counts(lake.runs()[0], "orders") == {"read": 1, "inserted": 1}


def test_a_run_that_stops_at_a_bug_has_a_report_too(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)])
    with monkeypatch.context() as patched:
        patched.setattr("spark_app.pipeline.account", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            lake.run(run_id="odd")
    report = json.loads((lake.there.runs / "odd" / "report.json").read_text())
    assert (report["status"], report["exit_code"]) == ("failed", 1)
    assert report["error"]["message"] == "A bug in this program: ZeroDivisionError"
    assert lake.counts(lake.run(run_id="odd"), "orders") == {"read": 1, "inserted": 1}


def test_a_key_of_a_null_part_or_of_a_bar_can_be_traced(lake: Lake, tmp_path: Path) -> None:
    two = {"dataset": "two", "key": ["a", "b"], "columns": {"a": {"type": "string"}, "b": {"type": "string"}}}
    one = {"dataset": "one", "key": ["a"], "columns": {"a": {"type": "string"}}}
    lake.config = load_config(configured(tmp_path / "c", two, one))
    lake.put("two/a.csv", "a,b\n,x\n")
    lake.put("one/a.csv", "a\nx|y\nx|y\n")
    lake.run()
    for dataset, key, where in (("two", "|x", ["quarantine"]), ("one", "x|y", ["table", "quarantine"])):
        assert [s.where for s in trace(lake.zones, lake.config.contracts[dataset], key).steps] == where


def test_a_file_that_is_deleted_after_the_plan_is_said_to_be_gone(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1)]).resolve()
    run_killed_at("_staged", "before", lake, monkeypatch)
    (lake.there.raw / "orders/a.csv").unlink()
    (file,) = lake.files(lake.runs()[0]).values()
    assert (file["status"], file["error"]) == ("held", "The file is not there any more.")
