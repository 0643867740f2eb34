"""Progress for programs: `LAKEHOUSE_LOG=json`."""

from __future__ import annotations

from spark_app.reporting.log_line import about, say
from spark_app.reporting.report import Report
from spark_app.reporting.terminal import Screen
from spark_app.runs.plan import Plan


class StructuredScreen(Screen):
    """Says what the screen says; results stay what they are, on stdout."""

    def planned(self, plan: Plan, engine: str) -> None:
        about(plan.run_id)
        super().planned(plan, engine)

    def finished(self, report: Report) -> None:
        super().finished(report)
        say("finished", status=report.status, exit_code=report.exit_code)

    def failed(self, report: Report) -> None:
        super().failed(report)
        say("failed", status=report.status, exit_code=report.exit_code, error=report.data["error"])

    def _say(self, text: str) -> None:
        say(text)

    def _show(self, text: str) -> None:
        """A live line is for people."""
