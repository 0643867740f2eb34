"""What a suite of any kind does to rows in a run: reasons, fates, and what is only reported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spark_app.runs.plan import load_config
from tests.lake import Lake
from tests.pipeline.test_found_in_review import configured

pytestmark = pytest.mark.engine

THING = {
    "dataset": "thing",
    "key": ["k"],
    "columns": {
        "k": {"type": "string"},
        "n": {"type": "int", "nullable": True},
        "t": {"type": "string", "nullable": True},
        "x": {"type": "decimal(10,2)", "nullable": True},
    },
    "gate": {"max_invalid_ratio": 1},
    "masked": ["t"],
}


def rule(gx_type: str, severity: str = "critical", name: str = "", **kwargs: Any) -> dict[str, Any]:
    meta = {"rule": name} if name else {}
    return {"type": gx_type, "kwargs": kwargs, "severity": severity, "meta": meta}


def run(lake: Lake, folder: Path, rules: list[dict[str, Any]], *files: str) -> dict[str, Any]:
    """A run of these files under these rules: the report of its dataset."""
    lake.config = load_config(configured(folder, THING, suites={"thing": rules}))
    for number, text in enumerate(files):
        lake.put(f"thing/{number}.csv", f"k,n,t,x\n{text}")
    data: dict[str, Any] = lake.run().data["datasets"]["thing"]
    return data


@pytest.mark.both
def test_values_that_occur_twice_in_a_batch_are_unexpected_in_every_file(lake: Lake, tmp_path: Path) -> None:
    rules = [
        rule("expect_column_values_to_be_unique", name="twice", column="n"),
        rule("expect_compound_columns_to_be_unique", "warning", "pair_twice", column_list=["t", "x"]),
    ]
    found = run(lake, tmp_path / "c", rules, "a,1,p,1\nb,2,q,1\nc,,q,1\n", "d,1,r,1\ne,,q,2\nf,word,r,9\n")
    assert found["reasons"] == {"n_type": 1, "twice": 2}
    assert (found["quarantined"], found["inserted"], found["warned"]) == (3, 3, 2)
    assert sorted((q["key"], *q["reasons"]) for q in lake.quarantine()) == [
        ("a", "twice"),
        ("d", "twice"),
        ("f", "n_type"),
    ]


@pytest.mark.both
def test_order_is_that_of_lines_within_each_file(lake: Lake, tmp_path: Path) -> None:
    rules = [rule("expect_column_values_to_be_increasing", name="order", column="n")]
    found = run(lake, tmp_path / "c", rules, "a,5,,\nb,7,,\nc,,,\nd,6,,\n", "e,1,,\nf,2,,\n")
    assert found["reasons"] == {"order": 1}
    assert [q["line"] for q in lake.quarantine()] == [5]


@pytest.mark.both
def test_a_row_has_every_reason_whichever_way_it_was_found(lake: Lake, tmp_path: Path) -> None:
    rules = [
        rule("expect_column_values_to_be_between", name="small", column="n", max_value=5),
        rule("expect_column_values_to_be_unique", name="twice", column="n"),
        rule("expect_column_values_to_be_json_parseable", name="json", column="t"),
    ]
    run(lake, tmp_path / "c", rules, 'a,9,{,1\nb,9,1,1\nc,1,"{""a"": 1}",1\n')
    assert [sorted(q["reasons"]) for q in lake.quarantine()] == [["json", "small", "twice"], ["small", "twice"]]


def test_figures_of_a_masked_column_are_not_told(lake: Lake, tmp_path: Path) -> None:
    rules = [
        rule("expect_column_max_to_be_between", "warning", "max_t", column="t", max_value="m"),
        rule("expect_column_max_to_be_between", "warning", "max_x", column="x", max_value=5),
        rule("expect_column_kl_divergence_to_be_less_than", "warning", "kl", column="x", threshold=1),
        rule("expect_column_most_common_value_to_be_in_set", "info", "common", column="n", value_set=[1, 2]),
    ]
    found = run(lake, tmp_path / "c", rules, "a,3,secret,1\nb,3,other,9.5\n")
    told = {a["name"]: (a["passed"], a["figure"]) for a in found["aggregates"]}
    assert told == {"max_t": (False, "masked"), "max_x": (False, "9.5"), "kl": (None, ""), "common": (False, "masked")}
    assert found["inserted"] == 2


def test_a_condition_chooses_the_rows_that_a_rule_is_about(lake: Lake, tmp_path: Path) -> None:
    where = {"row_condition": "t = 'paid'", "condition_parser": "spark"}
    rules = [rule("expect_column_values_to_not_be_null", name="paid_without_sum", column="x", **where)]
    found = run(lake, tmp_path / "c", rules, "a,1,paid,\nb,2,open,\nc,3,paid,1\nd,4,,\n")
    assert found["reasons"] == {"paid_without_sum": 1}


def test_a_batch_may_have_to_have_as_many_rows_as_another(lake: Lake, tmp_path: Path) -> None:
    head = {"dataset": "a_head", "key": ["k"], "columns": {"k": {"type": "string"}}}
    same = rule("expect_table_row_count_to_equal_other_table", "warning", "as_many", other_table_name="a_head")
    never = rule("expect_table_row_count_to_equal_other_table", "info", "none", other_table_name="absent")
    lake.config = load_config(configured(tmp_path / "c", head, THING, suites={"thing": [same, never]}))
    told = []
    for number, heads in enumerate(("x\n", "y\nz\n")):
        lake.put(f"a_head/{number}.csv", f"k\n{heads}")
        lake.put(f"thing/{number}.csv", f"k,n,t,x\na{number},1,p,1\nb{number},2,q,2\n")
        aggregates = lake.run().data["datasets"]["thing"]["aggregates"]
        told.append({a["name"]: a["passed"] for a in aggregates})
    assert told == [{"as_many": False, "none": None}, {"as_many": True, "none": None}]


@pytest.mark.both
def test_a_hundred_columns_and_two_hundred_rules_are_no_deeper_than_ten(lake: Lake, tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(120)]
    columns = {name: {"type": "string", "nullable": True} for name in names} | {"k": {"type": "string"}}
    contract = {"dataset": "wide", "key": ["k"], "columns": columns}
    match = "expect_column_values_to_match_regex"
    rules = [
        rule(match, name=f"{name}_{n}", column=name, regex=f"^[a-{end}]$")
        for name in names
        for n, end in enumerate("yz")
    ]
    any_of = {"column": "c0", "regex_list": [f"^{n}$" for n in range(150)]}
    rules.append(rule("expect_column_values_to_not_match_regex_list", name="numbers", **any_of))
    lake.config = load_config(configured(tmp_path / "c", contract, suites={"wide": rules}))
    for day in (1, 2):  # the second day is compared with the table
        rows = [",".join([*("z" if n == bad else "a" for n in range(120)), f"k{bad}"]) for bad in (-1, 7)]
        lake.put(f"wide/{day}.csv", [",".join([*names, "k"]), *rows], f"2025-05-1{day}")
        report = lake.run()
    assert report.data["datasets"]["wide"]["reasons"] == {"c7_0": 1}
