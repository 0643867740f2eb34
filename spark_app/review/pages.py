"""HTML of Data Docs. Needs Great Expectations, which renders its results; ours are the frame and the rules' table."""

from __future__ import annotations

import html
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, select_autoescape

if TYPE_CHECKING:
    from spark_app.review.validation import Validation


_TOLD_ABOVE_ALONE = {
    "expect_column_kl_divergence_to_be_less_than": "a chart of a script that is fetched",
    "expect_column_quantile_values_to_be_between": "a table of quantiles and values",
    "expect_table_columns_to_match_ordered_list": "the columns that a table was found to have",
    "expect_table_row_count_to_equal_other_table": "both counts by name",
}
"""Types whose renderer in Great Expectations wants what a result of ours does not hold; the rules' table has them."""


class Pages:
    """Pages of validation results."""

    def __init__(self, templates: Path) -> None:
        os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
        from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer
        from great_expectations.render.view.view import DefaultJinjaPageView

        self._renderer = ValidationResultsPageRenderer(run_info_at_end=True)
        self._view = DefaultJinjaPageView(custom_views_directory=str(templates))
        self._view.env.filters["without_addresses"] = _without_addresses

    def of_results(self, content: dict[str, Any]) -> Any:
        """GX's own document of all results that it can render."""
        return self._renderer.render(_as_gx(content))

    def of_result(
        self,
        validation: Validation,
        rules: Sequence[dict[str, Any]],
        previous: Validation | None,
        counts: dict[str, Any] | None,
    ) -> str:
        """The page of one result."""
        page = self._view.render(  # type: ignore[no-untyped-call]
            self.of_results(validation.content),
            template="result.j2",
            show_how_to_buttons=False,
            validation=validation,
            rules=rules,
            previous=previous,
            counts=counts,
            contract_rules=validation.content["meta"]["contract_rules"],
        )
        return str(page)


def _without_addresses(markup: str) -> str:
    """What GX writes, without links to its own site and to pages that are not made here."""
    markup = re.sub(r"url\('https?://[^')]*'\)[^;]*", "none", markup)
    return re.sub(r'<a\b[^>]*href="(?!#)[^"]*"[^>]*>(.*?)</a>', r"\1", markup, flags=re.DOTALL)


def _as_gx(content: dict[str, Any]) -> Any:
    """The result as GX's own object, without the expectations that GX has no model for."""
    from great_expectations.core import ExpectationSuiteValidationResult

    results = [read for result in content["results"] if (read := as_gx_result(result)) is not None]
    # GX tries to read a run's name as a point in time, and stumbles over ours (…-4608 would be an offset).
    run = content["meta"]["run_id"] | {"run_name": f"run {content['meta']['run_id']['run_name']}"}
    return ExpectationSuiteValidationResult(
        success=content["success"],
        results=results,
        suite_name=content["suite_name"],
        statistics=content["statistics"],
        meta=content["meta"] | {"run_id": run},
    )


def as_gx_result(result: dict[str, Any]) -> Any:
    """A result as GX's own object; None when GX cannot render it."""
    from great_expectations.core import ExpectationValidationResult
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    if result["expectation_config"]["type"] in _TOLD_ABOVE_ALONE:
        return None
    config = ExpectationConfiguration(**result["expectation_config"])
    try:
        config.to_domain_obj()  # as its renderer will
    except (ValueError, GreatExpectationsError):
        return None
    return ExpectationValidationResult(
        success=result["success"],
        expectation_config=config,
        result=_escaped(result["result"]),
        exception_info=result["exception_info"],
        meta=result["meta"],
    )


def _escaped(value: Any) -> Any:
    """Texts of the data as HTML: GX writes them into its pages as they are."""
    if isinstance(value, dict):
        return {k: _escaped(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_escaped(v) for v in value]
    return html.escape(value) if isinstance(value, str) else value


def render_list(
    templates: Path, dataset: str, entries: Sequence[dict[str, Any]], datasets: Sequence[str], newest: int
) -> str:
    """The index, or the list of one dataset."""
    environment = Environment(loader=FileSystemLoader(templates), autoescape=select_autoescape(["j2"]))
    return environment.get_template("list.j2").render(
        dataset=dataset, entries=entries, datasets=datasets, newest=newest
    )
