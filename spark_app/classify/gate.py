"""The gate: files of which too much is invalid are held, whole and alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal

from spark_app.classify.staging import WAITING_FILE, AggregateResult, FileTally
from spark_app.config.contracts import Contract
from spark_app.sources.batches import FileResult


def held_files(
    contract: Contract,
    files: Sequence[FileResult],
    tallies: Mapping[int, FileTally],
    aggregates: Sequence[AggregateResult],
) -> dict[int, str]:
    """Files that must not be published, with the reason; a failed critical aggregate holds all of them."""
    failed = [a for a in aggregates if a.severity == "critical" and a.passed is not True]
    if failed:
        reason = _aggregate_reason(failed[0])  # nothing is released or expired either
        return {WAITING_FILE: reason, **{f.index: reason for f in files if f.status == "read"}}
    limit = Decimal(str(contract.gate.max_invalid_ratio))  # as written: 0.29 of 100 rows are 29
    held = {}
    for file in files:
        tally = tallies.get(file.index)
        if file.status == "read" and tally and tally.invalid > limit * tally.rows:
            held[file.index] = (
                f"{tally.invalid:,} of {tally.rows:,} rows are invalid "
                f"({100 * tally.invalid / tally.rows:.1f} %, limit {float(100 * limit):g} %)."
            )
    return held


def _aggregate_reason(failed: AggregateResult) -> str:
    if failed.passed is None:
        return f"The critical rule {failed.name} could not be checked."
    return f"The critical rule {failed.name} about the whole batch failed: it is {failed.figure or 'without a value'}."
