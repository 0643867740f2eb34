"""lakehouse status"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from spark_app.cli.options import AsJson, Root, zones

_LAST = 5
_LOOKED_AT = 100
"""Reports that are asked for held files: a run of other datasets says nothing of them."""


def status(root: Root, as_json: AsJson = False) -> None:
    """Show the lock, an open run, waiting rows, held files and the last runs."""
    from spark_app.reporting.report import read_report
    from spark_app.runs.lock import is_held, read_writer
    from spark_app.tables.entries import open_waiting

    places = zones(root)
    writer, held = read_writer(places.state), is_held(places.state)
    newest = sorted(places.runs.glob("*/report.json"), key=lambda f: f.stat().st_mtime_ns, reverse=True)[:_LOOKED_AT]
    reports = [r for r in (read_report(places.runs, f.parent.name) for f in newest) if r]
    left = dict.fromkeys(uri for r in reports for uri in r.left_in_raw())
    reports = reports[:_LAST]
    facts: dict[str, Any] = {
        "lock": writer.holder if held else "",
        "open_run": writer.open_run,
        "waiting": open_waiting(places.system_table("waiting")),
        "held_files": [uri for uri in left if (Path(root) / uri).is_file()],
        "runs": [{"run_id": r.run_id, "status": r.status, "exit_code": r.exit_code} for r in reports],
    }
    if as_json:
        print(json.dumps(facts, indent=1))
        return
    print(f"lock      {facts['lock'] or 'free'}")
    print(
        f"open run  {facts['open_run'] or 'none'}{'' if held or not writer.open_run else ' (the next run finishes it)'}"
    )
    print("waiting   " + (", ".join(f"{n:,} {d}" for d, n in facts["waiting"].items()) or "none"))
    print("held      " + (", ".join(facts["held_files"]) or "none"))
    for r in reports:
        print(f"run       {r.run_id}  {r.status}  exit {r.exit_code}")
