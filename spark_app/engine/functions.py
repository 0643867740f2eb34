"""`pyspark.sql.functions`, imported when the first of them is used.

Rooms that build columns are imported by commands that need no engine (`status`, an empty `run`); importing
PySpark there would cost them a third of a second. Use: `from spark_app.engine import functions as F`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyspark.sql import Column
    from pyspark.sql.functions import *  # noqa: F403 - for the type checker: the same names
else:

    def __getattr__(name: str) -> Any:
        from pyspark.sql import functions

        return getattr(functions, name)


def try_cast(value: Column, to: str) -> Column:
    """A value as another type; null where it cannot be.

    Spark 3.5 has no `try_cast` of a column; its `cast` is the same, for every session here has ANSI mode off.
    """
    return value.try_cast(to) if hasattr(type(value), "try_cast") else value.cast(to)
