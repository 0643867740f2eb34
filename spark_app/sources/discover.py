"""What lies in raw: files to load, files to ignore, and files that cannot be loaded, each with its reason."""

from __future__ import annotations

import fnmatch
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from spark_app.storage.place import Found, Pin, Place

EXCEL = (".xlsx", ".xlsm")
LOADABLE = (".csv", ".csv.gz", *EXCEL)
_IGNORED = {
    "*.part": "an upload under way",
    "*.tmp": "a temporary file",
    "*.filepart": "an upload under way",
    "~$*": "Excel lock file",
    ".*": "a hidden file",
}


@dataclass(frozen=True)
class RawFile:
    """A file in raw. `uri` is what people see.

    `archived` is where it goes below a run's folder: two files of one name in two raw folders must never meet there.
    """

    place: Place
    uri: str
    archived: str
    dataset: str
    pin: Pin


@dataclass(frozen=True)
class Passed:
    """A file that a run does not take: `status` is ignored or unknown (it stays in raw, and the run says so)."""

    uri: str
    status: str
    reason: str
    fix: str = ""


@dataclass(frozen=True)
class Discovery:
    files: tuple[RawFile, ...]
    passed: tuple[Passed, ...]


def discover(raw: Mapping[str, Place], datasets: Collection[str]) -> Discovery:
    """All files below the raw folders, given by name, at any depth, in the order of their paths."""
    files: list[RawFile] = []
    passed: list[Passed] = []
    for name, folder in raw.items():
        for file in folder.files():
            found = _judged(file, name, folder, datasets)
            if isinstance(found, RawFile):
                files.append(found)
            else:
                passed.append(found)
    return Discovery(tuple(files), tuple(passed))


def _judged(file: Found, name: str, folder: Place, datasets: Collection[str]) -> RawFile | Passed:
    relative = file.relative
    if not _is_text(relative):
        shown = relative.encode(errors="surrogateescape").decode("utf-8", "backslashreplace")
        return Passed(f"{name}/{shown}", "unknown", "its name is not UTF-8", "Rename it.")
    uri = f"{name}/{relative}"
    for pattern, reason in _IGNORED.items():
        if any(fnmatch.fnmatch(part.lower(), pattern) for part in relative.split("/")):
            return Passed(uri, "ignored", reason)
    if not file.regular:
        return Passed(uri, "unknown", "not a regular file (links are not followed)", "Copy the file itself there.")
    dataset = dataset_of(relative)
    if dataset not in datasets:
        where = f"the folder {relative.split('/')[0]!r}" if "/" in relative else f"{name} itself"
        return Passed(
            uri,
            "unknown",
            f"{where} is no dataset",
            f"Move it into a folder of a dataset ({', '.join(datasets)})"
            + (f", or write a contract for {dataset!r}." if dataset else "."),
        )
    if not relative.lower().endswith(LOADABLE):
        return Passed(uri, "unknown", "this type of file cannot be read", _fix_of_type(relative))
    return RawFile(folder / relative, uri, uri.removeprefix("raw/"), dataset, file.pin)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def dataset_of(relative: str) -> str:
    """The dataset that a folder stands for: dashes, underscores and letter case are all the same."""
    return relative.split("/")[0].lower().replace("-", "_").replace(" ", "_") if "/" in relative else ""


def _fix_of_type(relative: str) -> str:
    if relative.lower().endswith((".xls", ".xlsb")):
        return "Save it as .xlsx, or as CSV."
    return f"Send one of {', '.join(LOADABLE)}."
