"""The screen: progress on stderr (a live line on a terminal, plain lines otherwise), the result on stdout."""

from __future__ import annotations

from decimal import Decimal
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.status import Status
from rich.table import Table

from spark_app import __version__
from spark_app.reporting.report import Report
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
_ENDS = {
    "succeeded": "Loaded",
    "nothing_to_do": "Nothing to do",
    "partly_failed": "Loaded in part",
    "quality_failed": "Failed: held by the gate",
    "failed": "Failed",
}
_TOP_REASONS = 3


class Screen:
    """An observer that speaks to people."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._err = Console(stderr=True, highlight=False, soft_wrap=True)
        self._out = Console(highlight=False)
        self._live: Status | None = None

    def __enter__(self) -> Screen:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._quiet()

    def note(self, text: str) -> None:
        self._say(text)

    def planned(self, plan: Plan, engine: str) -> None:
        self._say(
            f"lakehouse {__version__} · run {plan.run_id} · {plan.mode.value} · {engine} · {self._root} · "
            f"now = {plan.now:%Y-%m-%dT%H:%M:%SZ}"
        )
        new = [c for c in plan.files if not c.loaded_as]
        ignored = [p for p in plan.passed if p.status == "ignored"]
        told = f", {len(ignored)} ignored ({ignored[0].uri}: {ignored[0].reason})" if ignored else ""
        known = f", {len(plan.files) - len(new)} loaded before" if len(new) < len(plan.files) else ""
        size = sum(c.file.size for c in new) / 1e6
        self._say(f"✔ plan: {len(new)} files, {size:,.1f} MB claimed{known}{told}")

    def dataset_started(self, dataset: str, files: int) -> None:
        self._show(f"{dataset} {files} files · reading")

    def merging(self, dataset: str, rows: int) -> None:
        self._show(f"{dataset} · merging {rows:,} rows")

    def dataset_done(self, dataset: str, files: int, seconds: float) -> None:
        self._quiet()
        self._say(f"✔ {dataset} {files} file{'' if files == 1 else 's'} {seconds:.1f} s")

    def finished(self, report: Report) -> None:  # noqa: ARG002 - results are printed when all runs have ended
        self._quiet()

    def result(self, report: Report) -> None:
        """The report as a person reads it."""
        data = report.data
        if data["datasets"]:
            self._out.print(self._table(data["datasets"]))
        for line in (*_totals(data), *_reasons(data, self._root), *_trouble(data, self._root)):
            self._out.print(line, soft_wrap=True, markup=False)
        self._out.print(_last_line(data, self._root), soft_wrap=True, markup=False)

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
        self._err.print(text, markup=False)

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


def _figures(d: dict[str, Any]) -> list[str]:
    return [f"{d[long.lstrip('+')]:,}" for long, _ in _COLUMNS]


def _totals(data: dict[str, Any]) -> list[str]:
    lines = []
    for name, d in data["datasets"].items():
        for column, t in d["control_totals"].items():
            parts = [
                f"{Decimal(t[k]):,.2f} {k}"
                for k in ("loaded", "stale", "held", "quarantined", "duplicates", "waiting")
                if Decimal(t[k])
            ]
            left = f"{Decimal(t['read']):,.2f} read" + (
                f" + {Decimal(t['released']):,.2f} released" if Decimal(t["released"]) else ""
            )
            odd = f"   ({t['not_numbers']} not a number)" if t["not_numbers"] else ""
            if Decimal(t["read"]) or Decimal(t["released"]):
                lines.append(f"{name}.{column}   {left} = {' + '.join(parts) or '0.00 loaded'}{odd}")
    return lines


def _reasons(data: dict[str, Any], root: str) -> list[str]:
    found = [(n, name, reason) for name, d in data["datasets"].items() for reason, n in d["reasons"].items()]
    if not found:
        return []
    top = " · ".join(
        f"{n:,} {name} {reason}" for n, name, reason in sorted(found, key=lambda f: (-f[0], f[1:]))[:_TOP_REASONS]
    )
    return [f"top reasons   {top} · all: lakehouse quarantine list --root {root}"]


def _trouble(data: dict[str, Any], root: str) -> list[str]:
    lines = []
    for d in data["datasets"].values():
        for file in d["files"]:
            if file["status"] in ("rejected", "held"):
                lines.append(f"✖ {file['uri']}  {file['status']}: {file['error']}")
                lines.append(f"    fix: {file['fix']}")
                if file["would_be"]:
                    lines.append(f"    see: lakehouse quarantine show --root {root} --run {data['run_id']}")
            lines += [
                f"✖ {file['uri']}  worksheet {s['name']!r} rejected: {s['error']}  fix: {s['fix']}"
                for s in file["sheets"]
                if s["status"] == "rejected" and file["status"] == "loaded"
            ]
    lines += [
        f"✖ {p['uri']}  stays in raw: {p['reason']}  fix: {p['fix']}"
        for p in data["other_files"]
        if p["status"] == "unknown"
    ]
    return lines


def _last_line(data: dict[str, Any], root: str) -> str:
    end = _ENDS[data["status"]]
    bad = sum(d["quarantined"] + d["duplicates"] for d in data["datasets"].values())
    if data["status"] == "succeeded" and bad:
        end += ", with warnings"
    code = f" · exit {data['exit_code']}" if data["exit_code"] else ""
    report = f"{root.rstrip('/')}/processed/runs/{data['run_id']}/report.json"
    return f"{end}, in {data['seconds']['total']:.1f} s · report {report}{code}"
