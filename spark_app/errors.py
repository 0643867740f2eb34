"""Every error that leaves the program, in one tree.

    LakehouseError                 exit  retryable
    ├── UsageError                   2   no      a wrong option, contract or suite
    │   ├── ContractError
    │   └── SuiteError
    ├── BrokenEquation               1   no      rows or cents do not add up: a bug, never a property of the input
    ├── LockHeld                     5   yes     another run is writing
    ├── CommitConflict               5   yes     someone else committed to the same table at the same moment
    ├── LockLost                     5   yes     another run has taken the lock over
    ├── StorageUnreachable           5   yes     throttled, timed out, no answer
    ├── CatalogUnreachable           5   yes     the same of the Glue catalog
    ├── AnswerLost                   5   yes     an engine's answer did not come, or not whole
    ├── EnvironmentFault             6   no      fix the surroundings first
    │   ├── EngineMissing                        no Java, no jars, the other engine is installed
    │   ├── EngineDied                           the engine's process ended (memory)
    │   ├── StorageDenied                        not allowed, not there, no space
    │   ├── CatalogDenied                        not allowed to read or write the Glue catalog
    │   ├── ForeignCommit                        a commit in a table that no run of ours made
    │   └── StateUnreadable                      a plan or a staged attempt that this version cannot read

Each says what went wrong, where, why, and what to do next.  A file that cannot be read is not an error of
this tree: it is a result (`sources.batches.FileFault`), because every other file of the run still loads.
"""

from __future__ import annotations


class LakehouseError(Exception):
    """Base of the tree.

    `what` is a sentence; `where` a file, table or option; `why` the cause; `next_step` what the reader can do.
    """

    exit_code = 1
    retryable = False

    def __init__(self, what: str, *, where: str = "", why: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.why = why
        self.next_step = next_step

    def __str__(self) -> str:
        return " · ".join(part for part in (self.what, self.where, self.why) if part)


class UsageError(LakehouseError):
    """The caller asked for something that cannot be: an option, a name, a path."""

    exit_code = 2


class ContractError(UsageError):
    """A contract is not valid; `where` is the file and the path in it."""


class SuiteError(UsageError):
    """A suite is not valid or uses what the engines do not run alike; `where` is the file and the rule."""


class BrokenEquation(LakehouseError):
    """Rows or cents do not add up."""


class LockHeld(LakehouseError):
    """Another run holds the writer's lock."""

    exit_code = 5
    retryable = True


class CommitConflict(LakehouseError):
    """A table's commit was refused because another writer's came first."""

    exit_code = 5
    retryable = True


class LockLost(LakehouseError):
    """This run was silent for so long that another one has taken the lock; it must write nothing more."""

    exit_code = 5
    retryable = True


class StorageUnreachable(LakehouseError):
    """Storage gave no answer, or asked to be left alone, more often than it was asked again."""

    exit_code = 5
    retryable = True


class CatalogUnreachable(LakehouseError):
    """The catalog gave no answer, or asked to be left alone, more often than it was asked again."""

    exit_code = 5
    retryable = True


class AnswerLost(LakehouseError):
    """An engine may have done its work, and its answer did not come whole. An embedded engine's process was ended."""

    exit_code = 5
    retryable = True


class EnvironmentFault(LakehouseError):
    """The surroundings must be fixed before a retry can help."""

    exit_code = 6


class EngineMissing(EnvironmentFault):
    """The engine asked for cannot start here."""


class EngineDied(EnvironmentFault):
    """The embedded engine's process ended while it was working."""


class StorageDenied(EnvironmentFault):
    """A place cannot be read or written."""


class CatalogDenied(EnvironmentFault):
    """The catalog cannot be read or written."""


class ForeignCommit(EnvironmentFault):
    """A table was changed by someone who is not this program while a run was open."""


class StateUnreadable(EnvironmentFault):
    """A plan or a staged attempt is damaged, or was written in a format that this version does not know."""
