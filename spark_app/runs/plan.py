"""The plan: what a run has claimed. Written once, before any table changes; a later run can finish it by this alone."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from spark_app import __version__
from spark_app.config.caller import person, utc_now
from spark_app.config.contracts import Contract, Contracts, load_contracts
from spark_app.config.settings import RunMode, Zones
from spark_app.errors import StateUnreadable, SuiteError, UsageError
from spark_app.quality.compiler import compile_suite
from spark_app.quality.suite import Suite, load_suite
from spark_app.runs.claims import Claimed, any_new, from_raw
from spark_app.runs.recall import Asked, Recall, write_files
from spark_app.runs.run_id import new_run_id
from spark_app.sources.batches import SourceFile
from spark_app.sources.discover import Passed
from spark_app.storage.place import Place
from spark_app.tables.commits import version_of, writable
from spark_app.tables.entries import open_waiting
from spark_app.tables.schema import check_schema

FORMAT = 3
SYSTEM_TABLES = ("quarantine", "waiting", "load_history")


@dataclass(frozen=True)
class Config:
    """Contracts and suites of a run, with the texts they were read from."""

    contracts: Contracts
    suites: Mapping[str, Suite]
    texts: Mapping[str, str]

    @property
    def hash(self) -> str:
        return hashlib.sha256(json.dumps(dict(self.texts), sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Request:
    """What the caller asks for."""

    zones: Zones
    mode: RunMode = RunMode.FULL
    datasets: tuple[str, ...] = ()
    open_gate: str = ""
    now: datetime | None = None
    run_id: str = ""
    recall: Recall | None = None  # rows of quarantine to judge again; raw is then left alone


@dataclass(frozen=True)
class Plan:
    """Everything that decides a run's result, beside the bytes of its files."""

    run_id: str
    mode: RunMode
    now: datetime
    datasets: tuple[str, ...]
    open_gate: str
    opened_by: str
    files: tuple[Claimed, ...]
    passed: tuple[Passed, ...]
    versions: Mapping[str, int]
    waiting: Mapping[str, int]
    config: Config
    version: str = __version__
    recall: Asked | None = None

    def of(self, dataset: str) -> tuple[SourceFile, ...]:
        """The files of a dataset that are to be read."""
        return tuple(c.file for c in self.files if c.dataset == dataset and not c.loaded_as)

    def recalled(self, dataset: str) -> tuple[SourceFile, ...]:
        """Those of them that hold rows of quarantine."""
        return tuple(c.file for c in self.files if c.dataset == dataset and c.recalled)

    def within(self, zones: Zones) -> Plan:
        """The same plan where the zones lie now: a container's /data is another folder for whoever finishes its run."""
        recalled = zones.runs / self.run_id / "staged" / "recalled"  # as recall.write_files names them
        places = (recalled / f"{c.dataset}.csv" if c.recalled else zones.raw_file(c.file.uri) for c in self.files)
        return replace(self, files=tuple(c.at(place) for c, place in zip(self.files, places, strict=True)))

    def archived(self, dataset: str, folder: Place) -> dict[str, Place]:
        """The files of a dataset that the run has moved below this folder, by what people see of them."""
        taken = (c for c in self.files if c.dataset == dataset and not c.recalled)
        return {c.file.uri: place for c in taken if (place := folder / c.relative).is_file()}

    def brings_back(self, dataset: str) -> bool:
        """Whether rows that wait are looked at again: a dry run leaves them alone."""
        return self.mode is not RunMode.VALIDATE_ONLY and bool(self.waiting.get(dataset, 0))

    @property
    def contracts(self) -> tuple[Contract, ...]:
        return tuple(c for c in self.config.contracts.values() if c.dataset in self.datasets)


def load_config(folder: Path) -> Config:
    """Contracts and suites of a folder. Raises ContractError or SuiteError."""
    contracts = load_contracts(folder / "contracts")
    suites = {name: load_suite(folder / "ge_suites", name) for name in contracts}
    if orphans := sorted(f.name for f in (folder / "ge_suites").glob("*.json") if f.stem not in contracts):
        raise SuiteError(
            f"{', '.join(orphans)}: a suite without a contract of its name",
            where=str(folder / "ge_suites"),
            next_step=f"Contracts are {', '.join(contracts)}; rename the suite, or write its contract.",
        )
    for name, contract in contracts.items():
        compile_suite(suites[name], contract, utc_now())  # a wrong rule is refused before anything begins
    files = [*sorted((folder / "contracts").glob("*.y*ml")), *sorted((folder / "ge_suites").glob("*.json"))]
    texts = {f.relative_to(folder).as_posix(): f.read_text(encoding="utf-8") for f in files}
    return Config(contracts, suites, texts)


def make_plan(request: Request, config: Config, without: Collection[str] = ()) -> Plan:
    """Looks at raw and at the tables' versions; changes nothing. `without`: files, by uri, that are left alone."""
    if unknown := set(request.datasets) - set(config.contracts):
        raise UsageError(
            f"There is no dataset {', '.join(sorted(unknown))}",
            next_step=f"Datasets are {', '.join(config.contracts)}.",
        )
    zones = request.zones
    now = request.now or utc_now().replace(microsecond=0)
    datasets = _chosen(request, config)
    for folder in zones.raw:
        if not folder.is_zone():
            raise UsageError(
                "There is no raw zone", where=str(folder), next_step="Make this folder, and put files into it."
            )
    run_id = request.run_id or new_run_id(utc_now())
    tables = {name: writable(zones.table(name)) for name in config.contracts}
    tables |= {name: writable(zones.system_table(name)) for name in SYSTEM_TABLES}
    for name in datasets:
        check_schema(tables[name], zones.table(name), config.contracts[name])
    files, passed = from_raw(zones, datasets, config.contracts, without) if request.recall is None else ((), ())
    if request.recall is not None:
        recalled = write_files(request.recall, config.contracts, zones.runs, run_id)
        files = tuple(Claimed(file, name, "", recalled=True) for name, file in recalled)
    return Plan(
        run_id,
        request.mode,
        now,
        datasets,
        request.open_gate,
        person() if request.open_gate else "",
        files,
        passed,
        {name: version_of(table) for name, table in tables.items()},
        open_waiting(tables["waiting"]),
        config,
        recall=request.recall.asked if request.recall else None,
    )


def more_has_come(request: Request, config: Config, without: Collection[str]) -> bool:
    """Whether raw has files that a plan would claim. Looks at no table: on S3 that takes longer than all else here."""
    return any_new(request.zones, _chosen(request, config), config.contracts, without)


def _chosen(request: Request, config: Config) -> tuple[str, ...]:
    return tuple(name for name in config.contracts if not request.datasets or name in request.datasets)


def save(plan: Plan, runs: Place) -> None:
    data = asdict(plan)
    data["now"] = plan.now.isoformat()
    data["format"] = FORMAT
    data["config"] = {"hash": plan.config.hash, "texts": dict(plan.config.texts)}
    (runs / plan.run_id / "plan.json").write(json.dumps(data, ensure_ascii=False, indent=1))


def load(runs: Place, run_id: str) -> Plan:
    """The plan of an earlier run. Raises StateUnreadable."""
    file = runs / run_id / "plan.json"
    try:
        data: dict[str, Any] = file.read_json()
    except (OSError, ValueError) as error:
        raise StateUnreadable(
            f"The plan of run {run_id} cannot be read",
            where=str(file),
            why=type(error).__name__,
            next_step="Restore it, or give the run up: "
            f"lakehouse unlock --root {runs.parent.parent} --run {run_id} --abandon.",
        ) from error
    if data.pop("format", None) != FORMAT or "config" not in data:
        raise StateUnreadable(
            f"The plan of run {run_id} has another format",
            where=str(file),
            next_step=f"Finish it with version {data.get('version')}.",
        )
    data["config"] = _config_from(data["config"]["texts"])
    data["now"] = datetime.fromisoformat(data["now"])
    data["mode"] = RunMode(data["mode"])
    data["datasets"] = tuple(data["datasets"])
    data["files"] = tuple(Claimed(**{**c, "file": SourceFile(**c["file"])}) for c in data["files"])
    data["recall"] = Asked(**data["recall"]) if data["recall"] else None
    data["passed"] = tuple(Passed(**p) for p in data["passed"])
    return Plan(**data)


def _config_from(texts: Mapping[str, str]) -> Config:
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            file = Path(folder) / name
            file.parent.mkdir(exist_ok=True)
            file.write_text(text, encoding="utf-8")
        return load_config(Path(folder))
