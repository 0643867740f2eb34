"""lakehouse status"""

from __future__ import annotations

import json
from typing import Any

from spark_app.cli.lake import Lake, on_lake
from spark_app.cli.options import AsJson

_LAST = 5
_LOOKED_AT = 100
"""Reports that are asked for held files: a run of other datasets says nothing of them."""


@on_lake
def status(lake: Lake, as_json: AsJson = False) -> None:
    """Show the lock, an open run, waiting rows, held files and the last runs."""
    from spark_app.config.caller import utc_now
    from spark_app.reporting.report import newest_first, read_report
    from spark_app.runs.lock import is_held
    from spark_app.runs.writer import read_writer
    from spark_app.tables.decisions import waivers
    from spark_app.tables.entries import open_waiting
    from spark_app.tables.reading import newest

    places = lake.zones()
    writer, held = read_writer(places.state), is_held(places.state)
    last = newest_first(places.runs)[:_LOOKED_AT]
    reports = [r for r in (read_report(places.runs, run_id) for run_id in last) if r]
    left = dict.fromkeys(uri for r in reports for uri in r.left_in_raw())
    reports = reports[:_LAST]
    facts: dict[str, Any] = {
        "lock": writer.holder if held else "",
        "open_run": writer.open_run,
        "waiting": open_waiting(newest(places.system_table("waiting"))),
        "waivers": [
            {
                "subject": waiver["subject"],
                "run_id": waiver["run_id"],
                "by": waiver["decided_by"],
                "until": f"{waiver['expires_at']:%Y-%m-%d}" if waiver.get("expires_at") else "",
                "over": bool(waiver.get("expires_at") and waiver["expires_at"] <= utc_now()),
            }
            for waiver in waivers(places.system_table("decisions"))
        ],
        "held_files": [uri for uri in left if places.raw_file(uri).is_file()],
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
    for waiver in facts["waivers"]:
        until = f"until {waiver['until']}{', which is over' if waiver['over'] else ''}" if waiver["until"] else "no end"
        print(f"waived    {waiver['subject']} by {waiver['by']}, {until}")
    for r in reports:
        print(f"run       {r.run_id}  {r.status}  exit {r.exit_code}")
