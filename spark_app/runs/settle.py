"""The end of a run: files leave raw, and what was staged goes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import asdict

from spark_app.config.settings import Zones
from spark_app.errors import BrokenEquation
from spark_app.runs.claims import Claimed
from spark_app.runs.plan import Plan
from spark_app.sources.batches import FileResult
from spark_app.storage.at import place_at
from spark_app.storage.place import Place
from spark_app.tables.history import Load, record_loads


def record_history(plan: Plan, zones: Zones, results: dict[int, FileResult], held: set[int]) -> None:
    """Adds the loaded files to the load history."""
    loads = [
        Load(
            plan.run_id,
            results[c.file.index].sha256,
            c.dataset,
            c.file.uri,
            c.file.size,
            results[c.file.index].rows,
            c.file.modified_at,
            plan.now,
            f"{c.file.size}-{c.file.mtime_ns}",
        )
        for c in plan.files
        if not c.recalled and (r := results.get(c.file.index)) and r.status == "read" and c.file.index not in held
    ]
    record_loads(zones.system_table("load_history"), loads)


def settle_files(plan: Plan, zones: Zones, results: dict[int, FileResult], held: set[int]) -> None:
    """Moves loaded files to archive, rejected ones to rejected with their error; held ones stay in raw.

    A file that was replaced after the plan stays too: the next run takes it as the new file it is.
    """
    for claimed in (c for c in plan.files if not c.recalled):
        result = result_of(claimed, results)
        if settled(claimed, results, held):
            _move(claimed, zones.archive / plan.run_id)
        elif result and result.status == "rejected":
            _reject(claimed, result, plan.run_id, zones)


def result_of(claimed: Claimed, results: Mapping[int, FileResult]) -> FileResult | None:
    """What the reader says of a file; a copy shares the fate of the file that was read in its place."""
    return results.get(claimed.file.index if claimed.copy_of is None else claimed.copy_of)


def settled(claimed: Claimed, results: Mapping[int, FileResult], held: Collection[int]) -> bool:
    """Whether a file's rows are accounted for, so that it may leave raw: it was read, or its content is known.

    Raises BrokenEquation for a file that the plan claimed and nobody read.
    """
    result = result_of(claimed, results)
    if result is None:
        if not claimed.loaded_as:
            raise BrokenEquation("A file of the plan was not read", where=claimed.file.uri)
        return True
    return result.status == "read" and result.index not in held


def _reject(claimed: Claimed, result: FileResult, run_id: str, zones: Zones) -> None:
    folder = zones.rejected / run_id
    error = {
        "uri": claimed.file.uri,
        "run_id": run_id,
        "sha256": result.sha256,
        "error": result.error,
        "fix": result.fix,
        "sheets": [asdict(sheet) for sheet in result.sheets],
    }
    name = folder / f"{claimed.relative}.error.json"
    name.write(json.dumps(error, ensure_ascii=False, indent=1))
    _move(claimed, folder)


def _move(claimed: Claimed, folder: Place) -> None:
    place_at(claimed.file.path).move_to(folder / claimed.relative, claimed.file.pin)


def remove_staged(runs: Place, run_id: str) -> None:
    (runs / run_id / "staged").remove()
