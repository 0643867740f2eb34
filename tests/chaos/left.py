"""All that runs left behind, without their ids; read by delta-rs, which is neither engine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any

from spark_app.config.settings import Zones
from spark_app.reporting.report import newest_first
from spark_app.runs.writer import read_writer
from spark_app.storage.place import Place
from tests.lake import opened

_IDS = {"run_id", "last_run", "closed_by_run", "id"}
_COUNTS = ("read", "released", "inserted", "updated", "unchanged", "stale", "quarantined", "duplicates", "waiting")


def left(zones: Zones, *, source_times: bool = True) -> dict[str, Any]:
    """By what it is: tables and system tables, the files of each zone, and the sums of all reports of ended runs.

    `source_times`: also when the files came; S3 gives its own times to the files of each lake.
    """
    found: dict[str, Any] = {}
    ignored = _IDS | (set() if source_times else {"source_modified_at"})
    for kind in (zones.tables, zones.system):
        found |= {f"{kind.name}/{name}": _rows(kind / name, ignored) for name in kind.names()}
    found["raw"] = _files(zones.raw[0], 0)
    found["archive"], found["rejected"] = _files(zones.archive, 1), _files(zones.rejected, 1)
    found["reports"] = _sums(zones.runs)
    found["open run"] = read_writer(zones.state).open_run
    return found


def _rows(table: Place, ignored: Collection[str]) -> list[str]:
    rows = opened(table).to_pyarrow_table().to_pylist()
    kept = ({k: v for k, v in row.items() if k not in ignored} for row in rows)
    return sorted(repr(sorted(row.items())) for row in kept)


def _files(zone: Place, skipped: int) -> list[str]:
    """Below the zone, without the run's folder."""
    return sorted("/".join(f.relative.split("/")[skipped:]) for f in zone.files() if not f.relative.endswith(".json"))


def _sums(runs: Place) -> dict[str, int]:
    sums = Counter[str]()
    for run_id in newest_first(runs):
        for name, dataset in (runs / run_id / "report.json").read_json()["datasets"].items():
            sums.update({f"{name} {word}": dataset[word] for word in _COUNTS})
    return dict(sorted(sums.items()))


def differences(calm: dict[str, Any], rough: dict[str, Any]) -> list[str]:
    """What differs, in a line each."""
    return [
        f"{name}: {_first_difference(calm.get(name), rough.get(name))}"
        for name in sorted({*calm, *rough})
        if calm.get(name) != rough.get(name)
    ]


def _first_difference(calm: Any, rough: Any) -> str:
    if isinstance(calm, list) and isinstance(rough, list):
        lost, more = Counter(calm) - Counter(rough), Counter(rough) - Counter(calm)
        return f"{sum(lost.values())} lost {list(lost)[:1]}, {sum(more.values())} more {list(more)[:1]}"
    return f"{calm} ≠ {rough}"
