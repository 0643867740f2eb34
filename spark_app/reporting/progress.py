"""What a run says while it is going. Results are not progress: they stand in the report."""

from __future__ import annotations

from typing import Protocol

from spark_app.reporting.report import Report
from spark_app.runs.plan import Plan


class Observer(Protocol):
    """Receives the events of a run, in their order."""

    def note(self, text: str) -> None:
        """Something out of the ordinary."""

    def planned(self, plan: Plan, engine: str) -> None:
        """The plan is made; nothing has changed yet."""

    def dataset_started(self, dataset: str, files: int) -> None:
        """Its files are being read."""

    def merging(self, dataset: str, rows: int) -> None:
        """Its winners go into the table."""

    def dataset_done(self, dataset: str, files: int, seconds: float) -> None:
        """Its rows are in the table."""

    def finished(self, report: Report) -> None:
        """The run ended, and its report is written."""

    def failed(self, report: Report) -> None:
        """The run stopped at an error, and stays open; its report is written."""


class Silent:
    """Says nothing."""

    def note(self, text: str) -> None: ...
    def planned(self, plan: Plan, engine: str) -> None: ...
    def dataset_started(self, dataset: str, files: int) -> None: ...
    def merging(self, dataset: str, rows: int) -> None: ...
    def dataset_done(self, dataset: str, files: int, seconds: float) -> None: ...
    def finished(self, report: Report) -> None: ...
    def failed(self, report: Report) -> None: ...
