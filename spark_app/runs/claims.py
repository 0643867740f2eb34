"""Which files of raw a run takes, and which of them it need not read."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from spark_app.config.contracts import Contract, Contracts
from spark_app.config.settings import Zones
from spark_app.sources.batches import SourceFile
from spark_app.sources.discover import Discovery, Passed, RawFile, discover
from spark_app.storage.place import Place
from spark_app.tables.history import Loaded, loaded_before


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

    def at(self, place: Place) -> Claimed:
        """The same file by another address."""
        return replace(self, file=replace(self.file, path=str(place)))


def from_raw(
    zones: Zones, datasets: Sequence[str], contracts: Contracts, without: Collection[str]
) -> tuple[tuple[Claimed, ...], tuple[Passed, ...]]:
    """The files in raw that a run claims, but for those named by uri; and those that it passes over."""
    found = discover(zones.raw_by_name, tuple(contracts))
    wanted = _wanted(found, datasets, without)
    history = loaded_before(zones.system_table("load_history")) if wanted else ()
    return _claimed(wanted, datasets, contracts, history), found.passed


def any_new(zones: Zones, datasets: Collection[str], contracts: Contracts, without: Collection[str]) -> bool:
    """Whether `from_raw` would claim any file. Looks at no table."""
    return bool(_wanted(discover(zones.raw_by_name, tuple(contracts)), datasets, without))


def _wanted(found: Discovery, datasets: Collection[str], without: Collection[str]) -> list[RawFile]:
    return [file for file in found.files if file.dataset in datasets and file.uri not in without]


def _claimed(
    files: Sequence[RawFile], datasets: Sequence[str], contracts: Contracts, history: Sequence[Loaded]
) -> tuple[Claimed, ...]:
    hashes = _hashes(files, history)
    chosen_of = _chosen_of_equal(hashes, contracts)
    known = {name: _known_contents(contracts[name], history) for name in datasets}
    places = {file: index for index, file in enumerate(files)}
    claimed = []
    for file, index in places.items():
        source = SourceFile.pinned(index, file.place, file.uri, file.pin)
        sha256 = hashes.get(file, "")
        chosen = chosen_of.get((file.dataset, sha256), file)
        if chosen != file:
            said = f"the same content as {chosen.uri}"
            claimed.append(Claimed(source, file.dataset, file.archived, said, places[chosen]))
            continue
        loaded_as = _loaded_as(contracts[file.dataset], known[file.dataset].get(sha256), source)
        claimed.append(Claimed(source, file.dataset, file.archived, loaded_as))
    return tuple(claimed)


def _hashes(files: Sequence[RawFile], history: Sequence[Loaded]) -> dict[RawFile, str]:
    """sha256 of the files whose size says that their content may be known: of an earlier load, or twice in raw."""
    sizes = Counter((file.dataset, file.pin.size) for file in files)
    known = {(load.dataset, load.size) for load in history}
    suspects = [f for f in files if (f.dataset, f.pin.size) in known or sizes[f.dataset, f.pin.size] > 1]
    result = {}
    for file in suspects:
        with file.place.fetched() as path, path.open("rb") as content:
            result[file] = hashlib.file_digest(content, "sha256").hexdigest()
    return result


def _chosen_of_equal(hashes: Mapping[RawFile, str], contracts: Contracts) -> dict[tuple[str, str], RawFile]:
    """Of files with the same bytes the one that is read: as if they had come one by one (decision 13)."""
    equal: dict[tuple[str, str], list[RawFile]] = {}
    for file, sha256 in hashes.items():
        equal.setdefault((file.dataset, sha256), []).append(file)
    return {
        key: (min if contracts[key[0]].event_time else max)(alike, key=lambda file: file.pin.mtime_ns)
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
