"""Files judged by themselves, without a run: what `lakehouse check` shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from spark_app.classify.stage import StageInput, stage
from spark_app.classify.staging import read_rows
from spark_app.config.caller import utc_now
from spark_app.engine import functions as F
from spark_app.engine.port import Engine
from spark_app.quality.compiler import compile_suite
from spark_app.runs.plan import Config
from spark_app.sources.batches import SourceFile
from spark_app.storage.at import place_at
from spark_app.storage.place import Place

_SHOWN = 20


def judge_files(
    engine: Engine, files: Sequence[Path], config: Config, dataset: str, now: datetime | None, scratch: Place
) -> dict[str, Any]:
    """Rows, invalid rows and their places of each file; no parent is looked for, for there are no tables."""
    contract, moment = config.contracts[dataset], now or utc_now()
    pinned = [pinned_file(i, file) for i, file in enumerate(files)]
    ruleset = compile_suite(config.suites[dataset], contract, moment)
    no_parents = {reference.name: None for reference in contract.references}
    data = StageInput(contract, ruleset, pinned, None, no_parents, None, moment, gate_open=True)
    attempt, staged = stage(engine, data, scratch / "staged" / dataset)
    bad = read_rows(engine, attempt, contract).filter(F.size("_reasons") > 0).filter("_rid is not null")
    shown = engine.collect(bad.select("_file", "_sheet", "_line", "_reasons").orderBy("_rid").limit(_SHOWN))
    names = {f.index: f.uri for f in pinned}
    rows = [
        {
            "place": f"{names[r['_file']]}{'!' + r['_sheet'] if r['_sheet'] else ''}:{r['_line']}",
            "reasons": [staged.rule_names[c] for c in r["_reasons"]],
        }
        for r in shown
    ]
    found = []
    for result in staged.files:
        tally = staged.file_tallies.get(result.index)
        faults = [(f"worksheet {s.name!r}: {s.error}", s.fix) for s in result.sheets if s.status == "rejected"]
        told = [(result.error, result.fix)] if result.error else faults
        error = " ".join(part for fault in told for part in fault if part)
        found.append(
            {
                "uri": names[result.index],
                "rows": result.rows,
                "invalid": tally.invalid if tally else 0,
                "error": error,
            }
        )
    return {"dataset": dataset, "files": found, "rows": rows}


def pinned_file(index: int, file: Path | Place) -> SourceFile:
    """A file outside raw, as readers want it."""
    place = file if isinstance(file, Place) else place_at(file)
    return SourceFile.pinned(index, place, str(file), place.pin())
