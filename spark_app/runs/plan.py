"""The plan: what a run has claimed. Written once, before any table changes; a later run can finish it by this alone."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
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
from spark_app.runs.recall import Asked, Recall, write_files
from spark_app.runs.run_id import new_run_id
from spark_app.sources.batches import SourceFile
from spark_app.sources.discover import Passed, RawFile, discover
from spark_app.storage.local import write_once
from spark_app.tables.commits import table_version
from spark_app.tables.entries import open_waiting
from spark_app.tables.history import Loaded, loaded_before
from spark_app.tables.schema import check_schema

FORMAT = 3
SYSTEM_TABLES = ("quarantine", "waiting", "load_history")


@dataclass(frozen=True)
class Claimed:
    """A file of the plan. `loaded_as` names the earlier load of the same content; it is then only archived."""

    file: SourceFile
    dataset: str
    relative: str
    loaded_as: str = ""
    copy_of: int | None = None  # the index of the file of equal bytes that is read in its place
    recalled: bool = (
        False  # rows that a person called back from quarantine: it is no file of raw, and stays where it is
    )


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
    datasets = tuple(n for n in config.contracts if not request.datasets or n in request.datasets)
    for folder in zones.raw:
        if not folder.is_dir():
            raise UsageError(
                "There is no raw zone", where=str(folder), next_step="Make this folder, and put files into it."
            )
    run_id = request.run_id or new_run_id(utc_now())
    versions = {name: table_version(zones.table(name)) for name in config.contracts}
    versions |= {name: table_version(zones.system_table(name)) for name in SYSTEM_TABLES}
    for name in datasets:
        check_schema(zones.table(name), config.contracts[name])
    files, passed = _from_raw(zones, datasets, config, without) if request.recall is None else ((), ())
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
        versions,
        open_waiting(zones.system_table("waiting")),
        config,
        recall=request.recall.asked if request.recall else None,
    )


def _from_raw(
    zones: Zones, datasets: Sequence[str], config: Config, without: Collection[str]
) -> tuple[tuple[Claimed, ...], tuple[Passed, ...]]:
    found = discover(zones.raw, tuple(config.contracts))
    wanted = [file for file in found.files if file.dataset in datasets and file.uri not in without]
    return _claimed(wanted, datasets, config, loaded_before(zones.system_table("load_history"))), found.passed


def _claimed(
    files: Sequence[RawFile], datasets: Sequence[str], config: Config, history: Sequence[Loaded]
) -> tuple[Claimed, ...]:
    hashes = _hashes(files, history)
    chosen_of = _chosen_of_equal(hashes, config.contracts)
    known = {name: _known_contents(config.contracts[name], history) for name in datasets}
    places = {file: index for index, file in enumerate(files)}
    claimed = []
    for file, index in places.items():
        source = SourceFile(index, str(file.path), file.uri, file.size, file.mtime_ns)
        sha256 = hashes.get(file, "")
        chosen = chosen_of.get((file.dataset, sha256), file)
        if chosen != file:
            said = f"the same content as {chosen.uri}"
            claimed.append(Claimed(source, file.dataset, file.relative, said, places[chosen]))
            continue
        loaded_as = _loaded_as(config.contracts[file.dataset], known[file.dataset].get(sha256), source)
        claimed.append(Claimed(source, file.dataset, file.relative, loaded_as))
    return tuple(claimed)


def _hashes(files: Sequence[RawFile], history: Sequence[Loaded]) -> dict[RawFile, str]:
    """sha256 of the files whose size says that their content may be known: of an earlier load, or twice in raw."""
    sizes = Counter((file.dataset, file.size) for file in files)
    known = {(load.dataset, load.size) for load in history}
    suspects = [f for f in files if (f.dataset, f.size) in known or sizes[f.dataset, f.size] > 1]
    result = {}
    for file in suspects:
        with file.path.open("rb") as content:
            result[file] = hashlib.file_digest(content, "sha256").hexdigest()
    return result


def _chosen_of_equal(hashes: Mapping[RawFile, str], contracts: Contracts) -> dict[tuple[str, str], RawFile]:
    """Of files with the same bytes the one that is read: as if they had come one by one (decision 13)."""
    equal: dict[tuple[str, str], list[RawFile]] = {}
    for file, sha256 in hashes.items():
        equal.setdefault((file.dataset, sha256), []).append(file)
    return {
        key: (min if contracts[key[0]].event_time else max)(alike, key=lambda file: file.mtime_ns)
        for key, alike in equal.items()
    }


def _known_contents(contract: Contract, history: Sequence[Loaded]) -> dict[str, Loaded]:
    """sha256 → the load of each content that need not be read again.

    Without event time only the file's own time says which version is the newest: v1, v2, v1 must end at v1, so only the
    content that was loaded last is known.
    """
    loads = [load for load in history if load.dataset == contract.dataset]
    if not contract.event_time and loads:
        loads = [max(loads, key=lambda load: load.source_modified_at)]
    return {load.sha256: load for load in reversed(loads)}


def _loaded_as(contract: Contract, load: Loaded | None, source: SourceFile) -> str:
    """Who loaded a file's content, when there is nothing in it that a table would take.

    Without event time a newer copy is read again: its rows get its time, and an older version that comes late loses.
    """
    if load is None or (not contract.event_time and source.modified_at > load.source_modified_at):
        return ""
    return f"loaded by run {load.run_id}"


def save(plan: Plan, runs: Path) -> None:
    data = asdict(plan)
    data["now"] = plan.now.isoformat()
    data["format"] = FORMAT
    data["config"] = {"hash": plan.config.hash, "texts": dict(plan.config.texts)}
    write_once(runs / plan.run_id / "plan.json", json.dumps(data, ensure_ascii=False, indent=1))


def load(runs: Path, run_id: str) -> Plan:
    """The plan of an earlier run. Raises StateUnreadable."""
    file = runs / run_id / "plan.json"
    try:
        data: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StateUnreadable(
            f"The plan of run {run_id} cannot be read",
            where=str(file),
            why=type(error).__name__,
            next_step="Restore it, or give the run up: "
            f"lakehouse unlock --root {runs.parents[1]} --run {run_id} --abandon.",
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
