"""One JSON object a line, each with the run's id: what CloudWatch's Logs Insights can ask for."""

from __future__ import annotations

import json
import sys

from spark_app.config.caller import utc_now

_fixed = {"service": "lakehouse", "run_id": ""}
"""What all lines of this process say. Not a context variable: steps in threads speak too."""


def about(run_id: str) -> None:
    """From here on, lines are about this run."""
    _fixed["run_id"] = run_id


def say(message: str, **facts: object) -> None:
    """A line on stderr; `facts` are its other fields."""
    line = {"time": utc_now().isoformat(), **_fixed, "message": message, **facts}
    print(json.dumps(line, ensure_ascii=False), file=sys.stderr, flush=True)
