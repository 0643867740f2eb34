"""Glue's Data Catalog. A call that changes something is made only where something differs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from spark_app.aws import client
from spark_app.catalog.definitions import Column, Table
from spark_app.errors import CatalogDenied, CatalogUnreachable

_INPUT = "org.apache.hadoop.mapred.SequenceFileInputFormat"
_OUTPUT = "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat"
_SERDE = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
"""Hive's words for a table that another provider reads; the same that Spark writes for one."""
_DENIED = {"AccessDeniedException", "AccessDenied", "UnrecognizedClientException", "InvalidSignatureException"}


@dataclass(frozen=True)
class GlueCatalog:
    """One database of the catalog."""

    database: str

    def sync(self, tables: Iterable[Table]) -> tuple[str, ...]:
        """Makes the database say what the tables are, and returns the names of those that were told anew.

        Raises CatalogDenied, CatalogUnreachable.
        """
        with _refusals(self.database):
            known = self._known()
            if known is None:
                known = self._made()
            changed = []
            for table in tables:
                wanted = _input(table)
                if table.name not in known:
                    self._glue.create_table(DatabaseName=self.database, TableInput=wanted)
                elif _differs(known[table.name], wanted):
                    self._glue.update_table(DatabaseName=self.database, TableInput=wanted)
                else:
                    continue
                changed.append(table.name)
            return tuple(changed)

    def names(self) -> tuple[str, ...] | None:
        """The tables of the database; None when it is not there. Raises CatalogDenied, CatalogUnreachable."""
        with _refusals(self.database):
            known = self._known()
        return None if known is None else tuple(known)

    @cached_property
    def _glue(self) -> Any:
        return client("glue")

    def _known(self) -> Mapping[str, Mapping[str, Any]] | None:
        """The tables of the database by name; None when it is not there."""
        try:
            pages = self._glue.get_paginator("get_tables").paginate(DatabaseName=self.database)
            return {table["Name"]: table for page in pages for table in page["TableList"]}
        except self._glue.exceptions.EntityNotFoundException:
            return None

    def _made(self) -> Mapping[str, Mapping[str, Any]]:
        self._glue.create_database(DatabaseInput={"Name": self.database, "Description": "Tables of the lakehouse"})
        return {}


def _input(table: Table) -> dict[str, Any]:
    return {
        "Name": table.name,
        "Description": table.comment,
        "TableType": "EXTERNAL_TABLE",
        "Parameters": {"EXTERNAL": "TRUE", "table_type": "DELTA", "spark.sql.sources.provider": "delta"},
        "PartitionKeys": [_column(c) for c in table.partitions],
        "StorageDescriptor": {
            "Location": table.location,
            "Columns": [_column(c) for c in table.columns],
            "InputFormat": _INPUT,
            "OutputFormat": _OUTPUT,
            "SerdeInfo": {"SerializationLibrary": _SERDE, "Parameters": {"path": table.location}},
        },
    }


def _column(column: Column) -> dict[str, str]:
    return {"Name": column.name, "Type": column.type, "Comment": column.comment}


def _differs(known: Any, wanted: Any) -> bool:
    """Whether something of what is wanted is not known so. What others have added is left alone."""
    if isinstance(wanted, Mapping):
        return any(_differs((known or {}).get(name), value) for name, value in wanted.items())
    if isinstance(wanted, list):
        return len(known or ()) != len(wanted) or any(map(_differs, known, wanted))
    return bool((known or "") != wanted)


@contextmanager
def _refusals(database: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code, operation = str(error.response.get("Error", {}).get("Code", "")), error.operation_name
        if code in _DENIED:
            raise CatalogDenied(
                f"The Glue catalog refuses glue:{operation}",
                where=database,
                why=code,
                next_step="Allow it for this role, or leave --database out.",
            ) from error
        raise _unreachable(database, code) from error
    except NoCredentialsError as error:
        raise CatalogDenied(
            "There are no AWS credentials for the Glue catalog",
            where=database,
            next_step="Give some, as for S3, or leave --database out.",
        ) from error
    except BotoCoreError as error:
        raise _unreachable(database, type(error).__name__) from error


def _unreachable(database: str, why: str) -> CatalogUnreachable:
    return CatalogUnreachable(
        "The Glue catalog gave no answer that helps, though it was asked again",
        where=database,
        why=why,
        next_step="Run again later; the run goes on where it stopped.",
    )
