"""Validation results of a run, in the form that Great Expectations writes. Made without importing it.

The batch is the rows of the run's files that count, and those that left waiting and broke a rule; its counts are those
of the report. What Great Expectations has no
place for (severity, sentence, owner, *not checked*, samples with their places) stands in `meta`.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from typing import Any

from spark_app.classify.staging import AggregateResult, DomainCount, Staged
from spark_app.quality.compiler import Ruleset, moments, rule_names
from spark_app.quality.parameters import resolved
from spark_app.quality.suite import Expectation
from spark_app.review.samples import Sample
from spark_app.runs.plan import Plan
from spark_app.storage.place import Place

GX_VERSION = "1.24.0"
"""Whose form the results have."""


def results_file(runs: Place, run_id: str, dataset: str) -> Place:
    """Where the result of a dataset in a run is kept."""
    return runs / run_id / "validations" / f"{dataset}.json"


def save_result(
    plan: Plan, staged: Staged, ruleset: Ruleset, samples: Mapping[str, tuple[Sample, ...]], runs: Place
) -> None:
    """Writes the result of a dataset."""
    result = suite_result(plan, staged, ruleset, samples)
    text = json.dumps(result, ensure_ascii=False, indent=1, default=_moment)
    results_file(runs, plan.run_id, staged.dataset).write(text)


def _moment(value: object) -> str:
    """What parameters bring: a point in time, or a day."""
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a result")


def suite_result(
    plan: Plan, staged: Staged, ruleset: Ruleset, samples: Mapping[str, tuple[Sample, ...]]
) -> dict[str, Any]:
    """An ExpectationSuiteValidationResult."""
    suite, names = plan.config.suites[staged.dataset], rule_names(plan.config.suites[staged.dataset])
    contract = plan.config.contracts[staged.dataset]
    owner, given = contract.owner, suite.suite_parameters | moments(plan.now, contract)
    unexpected, in_files = _unexpected(staged), _unexpected_in_files(staged)
    aggregates = {a.name: a for a in staged.aggregates}
    results = []
    for name, expectation in zip(names, suite.expectations, strict=True):
        if name in staged.domains:
            mostly = float(resolved(expectation.kwargs.get("mostly", 1), given))
            domain, returned = staged.domains[name], unexpected[name] - in_files[name]
            domain = DomainCount(domain.elements + returned, domain.missing)
            result = _of_rows(mostly, domain, unexpected[name], samples.get(name, ()))
        else:
            result = _of_batch(aggregates.get(name) or AggregateResult(name, expectation.severity, None, ""))
        config, told = _config(expectation, name, given), _told(expectation, result, samples.get(name, ()), owner)
        results.append(result | {"expectation_config": config, "meta": told})
    met = sum(r["success"] for r in results)
    return {
        "success": met == len(results),
        "suite_name": suite.name,
        "results": results,
        "statistics": {
            "evaluated_expectations": len(results),
            "successful_expectations": met,
            "unsuccessful_expectations": len(results) - met,
            "success_percent": 100 * met / len(results) if results else None,
        },
        "meta": _meta(plan, staged) | {"contract_rules": _of_contract(ruleset, unexpected, samples)},
    }


def _unexpected(staged: Staged) -> Counter[str]:
    """Rows by rule, of the files that count; and of those that left waiting as invalid, as the report counts them."""
    found = _unexpected_in_files(staged)
    for name, rows in staged.reasons.items():
        found[name] = max(found[name], rows)
    return found


def _unexpected_in_files(staged: Staged) -> Counter[str]:
    found = Counter[str]()
    for file, tally in staged.file_tallies.items():
        if file >= 0 and file not in staged.dropped_files:
            found.update(tally.reasons)
    return found


def _of_rows(mostly: float, domain: DomainCount, n: int, samples: tuple[Sample, ...]) -> dict[str, Any]:
    judged = domain.elements - domain.missing
    return {
        "success": not judged or (judged - n) / judged >= mostly,
        "result": {
            "element_count": domain.elements,
            "missing_count": domain.missing,
            "missing_percent": _percent(domain.missing, domain.elements),
            "unexpected_count": n,
            "unexpected_percent": _percent(n, judged),
            "unexpected_percent_total": _percent(n, domain.elements),
            "unexpected_percent_nonmissing": _percent(n, judged),
            "partial_unexpected_list": [f"{s.place} · {s.key}" for s in samples],
            "partial_unexpected_counts": [],
        },
        "exception_info": _RAISED_NOTHING,
    }


_RAISED_NOTHING = {"raised_exception": False, "exception_traceback": None, "exception_message": None}


def _of_batch(result: AggregateResult) -> dict[str, Any]:
    """A rule that was not checked has not passed; Great Expectations' pages call that an exception."""
    told = {"observed_value": result.figure} if result.figure else {}
    unchecked = {"raised_exception": True, "exception_traceback": "", "exception_message": "This rule was not checked."}
    return {
        "success": result.passed is True,
        "result": told,
        "exception_info": unchecked if result.passed is None else _RAISED_NOTHING,
    }


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0


def _of_contract(
    ruleset: Ruleset, unexpected: Mapping[str, int], samples: Mapping[str, tuple[Sample, ...]]
) -> list[dict[str, Any]]:
    """What rows break of the reader's and the contract's own rules, which Great Expectations does not know."""
    broken = [rule for rule in ruleset.rules if rule.origin != "suite" and unexpected.get(rule.name)]
    return [
        {
            "name": rule.name,
            "sentence": rule.sentence,
            "rows": unexpected[rule.name],
            "samples": _listed(samples.get(rule.name, ())),
        }
        for rule in sorted(broken, key=lambda rule: -unexpected[rule.name])
    ]


def _listed(samples: tuple[Sample, ...]) -> list[dict[str, str]]:
    return [asdict(sample) for sample in samples]


def _config(expectation: Expectation, name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": expectation.type,
        "kwargs": resolved(expectation.kwargs, given),
        "meta": {**expectation.meta, "rule": name},
        "severity": expectation.severity,
    }


def _told(
    expectation: Expectation, result: Mapping[str, Any], samples: tuple[Sample, ...], owner: str
) -> dict[str, Any]:
    checked = not result["exception_info"]["raised_exception"]
    return {
        "state": ("passed" if result["success"] else "failed") if checked else "not checked",
        "severity": expectation.severity,
        "sentence": expectation.sentence,
        "owner": expectation.meta.get("owner") or owner,
        "notes": expectation.notes,
        "samples": _listed(samples),
    }


def _meta(plan: Plan, staged: Staged) -> dict[str, Any]:
    return {
        "great_expectations_version": GX_VERSION,
        "run_id": {"run_name": plan.run_id, "run_time": plan.now.isoformat()},
        "active_batch_definition": {
            "datasource_name": "lakehouse",
            "data_connector_name": "run",
            "data_asset_name": staged.dataset,
            "batch_identifiers": {"run_id": plan.run_id},
        },
        "batch_kwargs": {"data_asset_name": staged.dataset},
        "validation_time": plan.now.isoformat(),
        "rows": sum(f.rows for f in staged.files if f.index not in staged.dropped_files),
        "held": len(staged.held),
    }
