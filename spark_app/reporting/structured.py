"""Progress as one JSON object a line, each with the run's id: what CloudWatch's Logs Insights can ask for."""

from __future__ import annotations

import json
import sys

from spark_app.config.caller import utc_now
from spark_app.reporting.report import Report
from spark_app.reporting.terminal import Screen
from spark_app.runs.plan import Plan


class StructuredScreen(Screen):
    """Says what the screen says; results stay what they are, on stdout."""

    _run_id = ""

    def planned(self, plan: Plan, engine: str) -> None:
        self._run_id = plan.run_id
        super().planned(plan, engine)

    def finished(self, report: Report) -> None:
        super().finished(report)
        self._tell("finished", status=report.status, exit_code=report.exit_code)

    def failed(self, report: Report) -> None:
        super().failed(report)
        self._tell("failed", status=report.status, exit_code=report.exit_code, error=report.data["error"])

    def _say(self, text: str) -> None:
        self._tell(text)

    def _show(self, text: str) -> None:
        """A live line is for people."""

    def _tell(self, message: str, **facts: object) -> None:
        line = {"time": utc_now().isoformat(), "service": "lakehouse", "run_id": self._run_id, "message": message}
        print(json.dumps(line | facts, ensure_ascii=False), file=sys.stderr, flush=True)
