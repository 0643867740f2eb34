"""The screen: progress on stderr (a live line on a terminal, plain lines otherwise), the result on stdout."""

from __future__ import annotations

import os
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.status import Status
from rich.table import Table
from rich.text import Text

from spark_app import __version__
from spark_app.config.settings import RunMode
from spark_app.reporting.commands import Commands
from spark_app.reporting.report import Report
from spark_app.reporting.wording import control_totals, counted, last_line, top_reasons, trouble
from spark_app.runs.plan import Plan

_WIDE = 112
_COLUMNS = (
    ("read", "read"),
    ("+released", "+rel"),
    ("inserted", "ins"),
    ("updated", "upd"),
    ("unchanged", "unch"),
    ("stale", "stale"),
    ("quarantined", "quar"),
    ("duplicates", "dup"),
    ("waiting", "wait"),
)


class Screen:
    """An observer that speaks to people."""

    def __init__(self, commands: Commands, cores: int) -> None:
        self._commands, self._cores = commands, cores
        self._err = Console(stderr=True, highlight=False)
        self._out = Console(highlight=False)
        if not self._out.is_terminal and "COLUMNS" not in os.environ:
            self._out.width = _WIDE  # a file has no edge
        self._live: Status | None = None
        self.stopped_at: Report | None = None  # the report of a run that failed

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._quiet()

    def note(self, text: str) -> None:
        self._say(text)

    def planned(self, plan: Plan, engine: str) -> None:
        cores = "1 core" if self._cores == 1 else f"{self._cores} cores"
        self._say(
            f"lakehouse {__version__} · run {plan.run_id} · {plan.mode.value} · {engine}, {cores} · "
            f"{self._commands.processed.removesuffix('/processed')} · now = {plan.now:%Y-%m-%dT%H:%M:%SZ}"
        )
        new = [c for c in plan.files if not c.loaded_as]
        ignored = [p for p in plan.passed if p.status == "ignored"]
        told = f", {len(ignored)} ignored ({ignored[0].uri}: {ignored[0].reason})" if ignored else ""
        known = f", {len(plan.files) - len(new)} loaded before" if len(new) < len(plan.files) else ""
        size = sum(c.file.size for c in new) / 1e6
        lock = "" if plan.mode is RunMode.VALIDATE_ONLY else "✔ lock · "
        self._say(f"{lock}✔ plan: {counted(len(new), 'file')}, {size:,.1f} MB claimed{known}{told}")

    def dataset_started(self, dataset: str, files: int) -> None:
        self._show(f"{dataset} {_source(files)} · reading")

    def merging(self, dataset: str, rows: int) -> None:
        self._show(f"{dataset} · merging {rows:,} rows")

    def dataset_done(self, dataset: str, files: int, seconds: float) -> None:
        self._quiet()
        self._say(f"✔ {dataset} {_source(files)} {seconds:.1f} s")

    def finished(self, report: Report) -> None:  # noqa: ARG002 - results are printed when all runs have ended
        self._quiet()

    def failed(self, report: Report) -> None:
        self._quiet()
        self.stopped_at = report

    def result(self, report: Report) -> None:
        """The report as a person reads it."""
        data = report.data
        if data["datasets"]:
            self._print_table(self._table(data["datasets"]))
        for line in (*control_totals(data), *top_reasons(data, self._commands), *trouble(data, self._commands)):
            self._print(line)
        self._print(last_line(data, self._commands))

    def _print_table(self, table: Table) -> None:
        if self._out.is_terminal:
            self._out.print(table)
            return
        with self._out.capture() as drawn:
            self._out.print(table)
        for line in drawn.get().splitlines():
            self._out.print(line.rstrip(), soft_wrap=True, markup=False)

    def _print(self, line: str) -> None:
        """A line of the result: broken between words on a terminal, whole in a file."""
        if not self._out.is_terminal:
            self._out.print(line, soft_wrap=True, markup=False)
            return
        text = Text(line.lstrip(), overflow="fold")
        text.highlight_regex("^✖", "red")
        text.highlight_regex("^Loaded", "green")
        text.highlight_regex("^Failed", "red")
        self._out.print(Padding.indent(text, len(line) - len(text)))

    def _table(self, datasets: dict[str, Any]) -> Table:
        wide = self._out.width >= _WIDE
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
        table.add_column("", no_wrap=True, min_width=11)
        for long, short in _COLUMNS:
            table.add_column(long if wide else short, justify="right", no_wrap=True)
        table.add_column("balanced" if wide else "=", justify="center")
        for name, d in datasets.items():
            table.add_row(name, *_figures(d), "✔" if d["balanced"] else "✖")
        total = {k: sum(d[k] for d in datasets.values()) for k in (long.lstrip("+") for long, _ in _COLUMNS)}
        table.add_row("total", *_figures(total), "✔" if all(d["balanced"] for d in datasets.values()) else "✖")
        return table

    def _say(self, text: str) -> None:
        self._err.print(text, markup=False, soft_wrap=not self._err.is_terminal)

    def _show(self, text: str) -> None:
        if not self._err.is_terminal:
            return
        if self._live is None:
            self._live = self._err.status(text)
            self._live.start()
        else:
            self._live.update(text)

    def _quiet(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None


def _source(files: int) -> str:
    return counted(files, "file") if files else "what waited"


def _figures(d: dict[str, Any]) -> list[str]:
    return [f"{d[long.lstrip('+')]:,}" for long, _ in _COLUMNS]
