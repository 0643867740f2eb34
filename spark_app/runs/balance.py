"""The equations. The left sides come from the reader, the right ones from verdicts and the tables' own logs."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from spark_app.classify.outcome import PUBLISHED, QUARANTINED, VALID, Outcome
from spark_app.classify.staging import WAITS_ON, Staged
from spark_app.config.contracts import Contract
from spark_app.errors import BrokenEquation
from spark_app.sources.batches import exact_sum
from spark_app.tables.commits import Commit


@dataclass(frozen=True)
class ControlTotal:
    """The first equation in money: read + released = loaded + stale + held + quarantined + duplicates + waiting."""

    read: Decimal
    released: Decimal
    loaded: Decimal
    stale: Decimal
    held: Decimal
    quarantined: Decimal
    duplicates: Decimal
    waiting: Decimal
    not_numbers: int

    @property
    def balanced(self) -> bool:
        placed = (self.loaded, self.stale, self.held, self.quarantined, self.duplicates, self.waiting)
        return exact_sum((self.read, self.released)) == exact_sum(placed)


@dataclass(frozen=True)
class Counts:
    """Rows of one dataset in one run, by the words of the report."""

    read: int = 0
    released: int = 0
    valid: int = 0
    inserted: int = 0
    updated: int = 0
    unchanged: int = 0
    stale: int = 0
    held: int = 0
    quarantined: int = 0
    duplicates: int = 0
    waiting: int = 0
    waiting_before: int = 0
    waiting_after: int = 0
    warned: int = 0
    waived: int = 0
    control_totals: dict[str, ControlTotal] = field(default_factory=dict)

    @property
    def loaded(self) -> int:
        return self.inserted + self.updated + self.unchanged

    def broken(self) -> list[str]:
        """The equations that do not hold, each with its figures."""
        placed = self.valid + self.quarantined + self.duplicates + self.waiting
        valid = self.inserted + self.updated + self.unchanged + self.stale + self.held
        faults = []
        if self.read + self.released != placed:
            faults.append(f"read {self.read} + released {self.released} ≠ placed {placed}")
        if self.valid != valid:
            faults.append(f"valid {self.valid} ≠ inserted + updated + unchanged + stale + held {valid}")
        after = self.waiting_before if self.held_back else self.waiting_before + self.waiting - self.released
        if after != self.waiting_after:
            faults.append(f"waiting_before + waiting − released {after} ≠ waiting_after {self.waiting_after}")
        faults += [f"control total {n} does not balance" for n, t in self.control_totals.items() if not t.balanced]
        return faults

    held_back: bool = False  # validate_only: nothing is published


def count(
    contract: Contract, staged: Staged | None, commit: Commit | None, waiting_before: int, waiting_after: int
) -> Counts:
    """The counts of a dataset. `commit` is None when the run publishes nothing (validate_only)."""
    if staged is None:
        return Counts(waiting_before=waiting_before, waiting_after=waiting_after)
    held_back = commit is None
    to_write = staged.count(*PUBLISHED)
    refreshed = staged.count(Outcome.REFRESHED)
    landed = commit or Commit()
    return Counts(
        read=sum(f.rows for f in staged.files if f.index not in staged.held),
        released=staged.released,
        valid=staged.count(*VALID),
        inserted=landed.inserted,
        updated=0 if held_back else landed.updated - refreshed,
        unchanged=staged.count(Outcome.IDENTICAL) + (0 if held_back else refreshed),
        stale=staged.count(Outcome.STALE),
        held=to_write if held_back else 0,
        quarantined=staged.count(*QUARANTINED),
        duplicates=staged.count(Outcome.DUPLICATE),
        waiting=staged.count(Outcome.WAITING),
        waiting_before=waiting_before,
        waiting_after=waiting_after,
        warned=sum(staged.outcomes[o].warned for o in VALID if o in staged.outcomes),
        waived=sum(staged.outcomes[o].waived for o in VALID if o in staged.outcomes),
        control_totals={name: _total(name, staged, held_back) for name in contract.control_totals},
        held_back=held_back,
    )


def _total(name: str, staged: Staged, held_back: bool) -> ControlTotal:
    def of(*outcomes: str) -> Decimal:
        found = (staged.outcomes[o].totals[name][0] for o in outcomes if o in staged.outcomes)
        return exact_sum(map(Decimal, found))

    counted = [f for f in staged.files if f.status == "read" and f.index not in staged.held]
    released = (t.released_totals.get(name, "0") for o, t in staged.outcomes.items() if o not in WAITS_ON)
    to_write = of(*PUBLISHED)
    return ControlTotal(
        read=exact_sum(Decimal(f.totals[name][0]) for f in counted),
        released=exact_sum(map(Decimal, released)),
        loaded=of(Outcome.IDENTICAL) + (Decimal(0) if held_back else to_write),
        stale=of(Outcome.STALE),
        held=to_write if held_back else Decimal(0),
        quarantined=of(*QUARANTINED),
        duplicates=of(Outcome.DUPLICATE),
        waiting=of(Outcome.WAITING),
        not_numbers=sum(f.totals[name][1] for f in counted),
    )


def check(counts: dict[str, Counts], entries: Commit | None) -> None:
    """Raises BrokenEquation when one does not hold. `entries`: what the quarantine table's log counted."""
    faults = [f"{name}: {fault}" for name, c in counts.items() for fault in c.broken()]
    put_away = sum(c.quarantined + c.duplicates for c in counts.values())
    if entries is not None and entries.inserted + entries.updated != put_away:
        faults.append(f"quarantined + duplicates {put_away} ≠ entries written {entries.inserted + entries.updated}")
    if faults:
        raise BrokenEquation(
            "Rows or cents do not add up",
            why="; ".join(faults),
            next_step="Nothing was archived. This is a bug: please report it with the run's report.",
        )
