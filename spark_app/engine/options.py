"""Options that one of the engines accepts and ignores in silence. The port refuses them for both."""

from __future__ import annotations

from collections.abc import Mapping

from spark_app.errors import UsageError

IGNORED_IN_SILENCE = {
    "partitionOverwriteMode": "Sail overwrites the whole table",
    "txnAppId": "Sail writes no transaction id, so a repeated write appends again",
    "txnVersion": "Sail writes no transaction id, so a repeated write appends again",
    "replaceWhere": "Sail does not check that the new rows match",
    "mode": "Sail's CSV reader is strict whatever it says",
    "encoding": "Sail's CSV reader takes every byte for UTF-8",
    "columnNameOfCorruptRecord": "Sail takes it for a field",
    "enforceSchema": "Sail does not compare the header",
    "emptyValue": "Sail does not tell empty from null",
    "ignoreLeadingWhiteSpace": "Sail keeps the blanks",
    "ignoreTrailingWhiteSpace": "Sail keeps the blanks",
    "maxColumns": "Sail has no such limit",
    "modifiedBefore": "Sail reads every file",
    "maxRecordsPerFile": "Sail writes files of its own size",
    "compression": "Sail's Delta writer has its own codec",
    "ignoreNullFields": "Sail leaves null fields out of JSON",
}
"""Measured with pysail 0.7.2; tests/engine holds the proof for those that this program could be tempted to use."""


def refuse_ignored(options: Mapping[str, str]) -> None:
    """Raises UsageError when an option would mean one thing on one engine and nothing on the other."""
    for name in options:
        if reason := {k.lower(): v for k, v in IGNORED_IN_SILENCE.items()}.get(name.lower()):
            raise UsageError(f"The option {name!r} is not the same on both engines", why=reason)
