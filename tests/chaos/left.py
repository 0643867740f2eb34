"""All that runs left behind, without their ids; read by delta-rs, which is neither engine."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from deltalake import DeltaTable

from spark_app.config.settings import Zones

_IDS = {"run_id", "last_run", "closed_by_run", "id"}
_COUNTS = ("read", "released", "inserted", "updated", "unchanged", "stale", "quarantined", "duplicates", "waiting")


def left(zones: Zones) -> dict[str, Any]:
    """By what it is: tables and system tables, the files of each zone, and the sums of all reports of ended runs."""
    found: dict[str, Any] = {}
    for kind in ("tables", "system"):
        for table in sorted((zones.processed / kind).glob("*")):
            found[f"{kind}/{table.name}"] = _rows(table)
    found["raw"] = _files(zones.raw[0], 0)
    found["archive"], found["rejected"] = _files(zones.archive, 1), _files(zones.rejected, 1)
    found["reports"] = _sums(zones.runs)
    found["open run"] = json.loads((zones.state / "writer.json").read_text())["open_run"]
    return found


def _rows(table: Path) -> list[str]:
    rows = DeltaTable(str(table)).to_pyarrow_table().to_pylist()
    kept = ({k: v for k, v in row.items() if k not in _IDS} for row in rows)
    return sorted(repr(sorted(row.items())) for row in kept)


def _files(zone: Path, skipped: int) -> list[str]:
    """Below the zone, without the run's folder."""
    return sorted(
        "/".join(f.relative_to(zone).parts[skipped:]) for f in zone.rglob("*") if f.is_file() and f.suffix != ".json"
    )


def _sums(runs: Path) -> dict[str, int]:
    sums = Counter[str]()
    for file in runs.glob("*/report.json"):
        for name, dataset in json.loads(file.read_text())["datasets"].items():
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
