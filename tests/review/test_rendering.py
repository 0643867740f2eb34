"""Every type of expectation can stand on a page, whatever its result holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from spark_app import review
from spark_app.quality.catalogue import KNOWN, UNKNOWN
from spark_app.review.pages import Pages

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

OPTIONS: dict[str, Any] = {
    "column": "a",
    "column_A": "a",
    "column_B": "b",
    "column_list": ["a", "b"],
    "column_set": ["a"],
    "value_set": ["x"],
    "value_pairs_set": [["a", "b"]],
    "min_value": 1,
    "max_value": 2,
    "value": 1,
    "sum_total": 3,
    "regex": "^a$",
    "regex_list": ["^a$"],
    "like_pattern": "a%",
    "like_pattern_list": ["a%"],
    "strftime_format": "%Y",
    "json_schema": {"type": "object"},
    "type_": "string",
    "type_list": ["string"],
    "other_table_name": "t",
    "quantile_ranges": {"quantiles": [0.5], "value_ranges": [[1, 2]]},
}
OF_GX: list[dict[str, Any]] = [
    {"column": "a", "value_set": ["x"]},
    {"column": "a", "threshold": 1.0, "double_sided": True},
    {"column": "a", "partition_object": {"values": ["a"], "weights": [1.0]}, "threshold": 0.1},
    {"column": "a", "method": "iqr", "multiplier": 1.5},
    {"column_A": "a", "column_B": "b"},
    {"unexpected_rows_query": "select * from {batch} where a = 1"},
]
ROWS = {
    "element_count": 10,
    "missing_count": 1,
    "missing_percent": 10.0,
    "unexpected_count": 2,
    "unexpected_percent": 22.2,
    "unexpected_percent_total": 20.0,
    "unexpected_percent_nonmissing": 22.2,
    "partial_unexpected_list": ["raw/a.csv:2 · 1"],
    "partial_unexpected_counts": [],
}


def results(gx_type: str) -> Iterator[dict[str, Any]]:
    known = KNOWN.get(gx_type)
    tried = OF_GX if known is None else [{k: v for k, v in OPTIONS.items() if k in known.model_fields}]
    for kwargs in tried:
        for success in (True, False):
            for found in (ROWS, {"observed_value": "5"}, {}):
                config = {"type": gx_type, "kwargs": kwargs, "meta": {"rule": "r"}, "severity": "warning"}
                raised = {"raised_exception": not found, "exception_traceback": "", "exception_message": "not checked"}
                yield {
                    "success": success,
                    "expectation_config": config,
                    "result": found,
                    "exception_info": raised,
                    "meta": {},
                }


@pytest.fixture(scope="module")
def pages() -> Pages:
    return Pages(Path(review.__file__).parent / "templates")


@pytest.mark.parametrize("gx_type", sorted({*KNOWN, *UNKNOWN}))
def test_a_result_of_each_type_can_be_rendered_without_a_word_and_without_a_chart(
    pages: Pages, gx_type: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    batch = {"datasource_name": "l", "data_connector_name": "r", "data_asset_name": "d", "batch_identifiers": {}}
    meta = {
        "run_id": {"run_name": "x", "run_time": "2025-01-01T00:00:00+00:00"},
        "active_batch_definition": batch,
        "batch_kwargs": {"data_asset_name": "d"},
        "validation_time": "2025-01-01T00:00:00+00:00",
    }
    for result in results(gx_type):
        counted = {
            "evaluated_expectations": 1,
            "successful_expectations": 1,
            "unsuccessful_expectations": 0,
            "success_percent": 100,
        }
        document = pages.of_results(
            {"success": True, "results": [result], "suite_name": "s", "statistics": counted, "meta": meta}
        )
        assert '"graph"' not in json.dumps(document.to_json_dict())
    told = capsys.readouterr()
    assert (told.out + told.err, caplog.text) == ("", "")
