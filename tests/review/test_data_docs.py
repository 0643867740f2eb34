"""Data Docs as a steward meets them: built from a real run, opened in a real browser without a network."""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from spark_app.config.settings import RunMode
from spark_app.review import serve as serving
from spark_app.review.results import results_file
from spark_app.review.site import build
from spark_app.runs.plan import load_config
from spark_app.samples.shop import write_sample
from tests.lake import NOW, ORDERS, Lake, order
from tests.pipeline.test_found_in_review import KID, PAR, configured

pytestmark = [pytest.mark.engine, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
NAMED = '<b>&"x'


@pytest.fixture
def reviewed(lake: Lake) -> Lake:
    """A lake with two runs: one with every kind of fault, then a clean one."""
    write_sample(lake.root, with_failures=True)
    lake.run(run_id="first")
    lake.put(f"orders/{NAMED}.csv", [ORDERS, order(900_001), order(900_002, "-1")], "2025-05-20")
    lake.run(run_id="second", open_gate="test")
    return lake


def test_counts_are_those_of_the_report(reviewed: Lake) -> None:
    report = json.loads((reviewed.there.runs / "first" / "report.json").read_text())
    found = json.loads(results_file(reviewed.zones.runs, report["run_id"], "order_items").read_text())
    counts = report["datasets"]["order_items"]
    by_rule = {r["expectation_config"]["meta"]["rule"]: r for r in found["results"]}
    told = {n: r["result"]["unexpected_count"] for n, r in by_rule.items() if r["result"]["unexpected_count"]}
    told |= {rule["name"]: rule["rows"] for rule in found["meta"]["contract_rules"]}
    assert told == counts["reasons"]
    assert {r["result"]["element_count"] for r in by_rule.values()} == {counts["read"]}
    shown = by_rule["days_since_prior_order_out_of_range"]["meta"]["samples"]
    assert len(shown) == told["days_since_prior_order_out_of_range"] == 15
    assert shown[0]["place"].startswith("raw/order-items/2025-04-07.csv:")


def test_great_expectations_itself_reads_the_results(reviewed: Lake) -> None:
    from great_expectations.core.expectation_validation_result import ExpectationSuiteValidationResultSchema

    for file in reviewed.there.runs.glob("*/validations/*.json"):
        read = ExpectationSuiteValidationResultSchema().load(json.loads(file.read_text()))
        assert read["statistics"]["evaluated_expectations"] == len(read["results"])


def test_a_second_build_writes_no_page_and_the_index_is_newest_first(reviewed: Lake) -> None:
    first, second = build(reviewed.zones), build(reviewed.zones)
    assert (first.pages, first.written, second.written) == (5, 5, 0)
    index = first.index.read_text()
    assert index.index("second") < index.index("first")


def test_builders_side_by_side_and_a_damaged_list_leave_a_whole_index(reviewed: Lake) -> None:
    index = build(reviewed.zones).index.path
    whole = index.read_text()
    shutil.rmtree(index.parent)
    builders = [threading.Thread(target=build, args=(reviewed.zones,)) for _ in range(3)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()
    assert index.read_text() == whole
    (index.parent / "entries.json").write_text("{")
    assert build(reviewed.zones).index.read_text() == whole


def test_a_name_of_a_file_is_text_and_never_markup(reviewed: Lake) -> None:
    site = build(reviewed.zones).index.path.parent
    pages = "".join(page.read_text() for page in site.rglob("*.html"))
    assert NAMED not in pages
    assert "&lt;b&gt;&amp;" in pages


def test_a_masked_value_stands_on_no_page_and_in_no_result(lake: Lake, tmp_path: Path) -> None:
    secret = "secret-person-4711"
    rules = [
        {"type": "expect_column_values_to_match_regex", "kwargs": {"column": "p", "regex": "^x"}},
        {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "p"}, "severity": "warning"},
        {"type": "expect_column_max_to_be_between", "kwargs": {"column": "p", "max_value": "a"}, "severity": "warning"},
    ]
    person = {"dataset": "person", "key": ["p"], "columns": {"p": {"type": "string"}}, "masked": ["p"]}
    person["columns"]["n"] = {"type": "int"}
    person["gate"] = {"max_invalid_ratio": 1}
    lake.config = load_config(configured(tmp_path / "c", person, suites={"person": rules}))
    lake.put("person/a.csv", f"p,n\n{secret},1\nx{secret},2\nx{secret},2\n{secret},word\nx{secret},1,9\n")
    lake.run(RunMode.VALIDATE_ONLY)
    lake.run()
    build(lake.zones)
    seen = [f for f in lake.there.processed.rglob("*") if f.is_file() and f.suffix in (".json", ".html", ".log", "")]
    assert len([f for f in seen if f.suffix == ".html"]) == 4
    for file in seen:
        if "_delta_log" not in file.parts:  # the tables' own statistics: as clear as the tables
            assert secret not in file.read_text(errors="replace"), file


def test_a_masked_value_that_waits_expires_and_is_in_the_way_of_an_error_is_told_nowhere(
    lake: Lake, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "secret-person-4712"
    par = {"dataset": "par", "key": ["p"], "columns": {"p": {"type": "string"}}, "masked": ["p"]}
    kid = {
        "dataset": "kid",
        "key": ["k"],
        "columns": {"k": {"type": "string"}, "p": {"type": "string"}},
        "references": [{"columns": ["p"], "dataset": "par", "max_wait": "1d"}],
        "masked": ["p"],
    }
    rule = {"type": "expect_column_value_z_scores_to_be_less_than", "kwargs": {"column": "p", "threshold": 1}}
    rule |= {"severity": "warning"}
    lake.config = load_config(configured(tmp_path / "c", par, kid, suites={"kid": [rule]}))
    lake.put("kid/a.csv", f"k,p\n1,{secret}\n2,{secret}\n2,{secret}\n")
    lake.run()
    assert len(lake.waiting()) == 3
    lake.run(now=NOW + timedelta(days=3))
    assert {q["kind"] for q in lake.quarantine()} == {"expired"}
    build(lake.zones)
    told = [f for f in lake.there.runs.rglob("*") if f.is_file() and f.suffix in (".json", ".log")]
    told += (lake.there.processed / "data-docs").rglob("*.html")
    assert told
    assert [f for f in told if secret in f.read_text(errors="replace")] == []
    assert secret not in "".join(capfd.readouterr())


@pytest.fixture
def browser() -> Iterator[Any]:
    if CHROMIUM is None:
        pytest.skip("no Chromium is here (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        running = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def address(reviewed: Lake, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The site, served as `lakehouse docs serve` does."""
    servers: list[ThreadingHTTPServer] = []

    class Kept(ThreadingHTTPServer):
        def __init__(self, *args: Any) -> None:
            super().__init__(*args)
            servers.append(self)

    monkeypatch.setattr(serving, "ThreadingHTTPServer", Kept)
    told, ready = list[str](), threading.Event()

    def started(url: str) -> None:
        told.append(url)
        ready.set()

    site = build(reviewed.zones).index.path.parent
    thread = threading.Thread(target=serving.serve, args=(site, "127.0.0.1", 0, started))
    thread.start()
    assert ready.wait(10)
    yield told[0]
    servers[0].shutdown()
    thread.join()


@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_opens_without_a_network_and_every_link_leads_somewhere(
    browser: Any, address: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 900})
    troubles, asked = list[str](), list[str]()
    page.on("console", lambda message: troubles.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("requestfailed", lambda request: troubles.append(request.url))
    page.on("request", lambda request: asked.append(request.url))
    to_see, seen = [f"{address}index.html"], set[str]()
    while to_see:
        url = to_see.pop()
        seen.add(url)
        response = page.goto(url)
        assert response is None or response.status == 200, url
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{url} is wider than {width}"
        links = page.eval_on_selector_all("a[href]", "links => links.map(link => link.href.split('#')[0])")
        to_see += [link for link in set(links) if link not in seen and link not in to_see]
    assert troubles == []
    assert len(seen) == 9, "the index, three datasets, five results"
    assert [url for url in asked if not url.startswith((address, "data:"))] == []


def test_a_steward_finds_the_failures_and_the_run_before(browser: Any, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}index.html")
    assert page.locator("tbody tr:visible").count() == 5
    page.check("#only")
    assert page.locator("tbody tr:visible").count() >= 3
    with page.expect_navigation():
        page.click("tr:has-text('second') a:text-is('orders')")
    assert "1 of 2 rows" in page.inner_text("#rules")
    page.click("#rules summary >> nth=0")
    assert ".csv:3 · key O-900002" in page.inner_text("#rules")
    with page.expect_navigation():
        page.click("#previous")
    assert "1,525 rows read: 1,500 loaded" in page.inner_text("body")


def test_a_page_that_was_built_before_its_run_had_a_report_is_built_again(reviewed: Lake) -> None:
    report = reviewed.there.runs / "first" / "report.json"
    kept = report.read_bytes()
    report.unlink()
    build(reviewed.zones)
    page = reviewed.there.processed / "data-docs" / "first" / "orders.html"
    assert "rows read" not in page.read_text()
    report.write_bytes(kept)
    assert build(reviewed.zones).written == 3
    assert "rows read" in page.read_text()


def test_rows_that_leave_waiting_as_invalid_are_counted_as_in_the_report(lake: Lake, tmp_path: Path) -> None:
    rule = {"type": "expect_column_values_to_be_in_set", "kwargs": {"column": "k", "value_set": ["z"]}}
    lake.config = load_config(configured(tmp_path / "old", PAR, KID))
    lake.put("kid/a.csv", "k,p\na,x\n")
    lake.run()
    lake.config = load_config(configured(tmp_path / "new", PAR, KID, suites={"kid": [rule | {"meta": {"rule": "z"}}]}))
    lake.put("par/a.csv", "p\nx\n")
    report = lake.run(run_id="second")
    assert report.data["datasets"]["kid"]["reasons"] == {"z": 1}
    (result,) = json.loads(results_file(lake.zones.runs, "second", "kid").read_text())["results"]
    assert (result["success"], result["result"]["unexpected_count"], result["result"]["element_count"]) == (False, 1, 1)


def test_a_run_whose_rows_break_the_contracts_own_rules_needs_a_look(lake: Lake) -> None:
    lake.put("orders/a.csv", [ORDERS, order(1), "x,o-2,u1,2025-05-01T10:00:00,1,2025-05-01"])
    lake.run(open_gate="test")
    index = build(lake.zones).index.read_text()
    assert 'data-look="1"' in index
    assert re.search("1 of \\d+ failed", index)
