"""Many events, few runs, and no file without one: from put to claim, simulated with the state machine's conditions.

Why it holds (decision 22): an execution begins after the files of its batch were put. It ends without a run only when a
bell is going that began later than itself, and of any bells the last one has none later; so for each file there is an
execution that began after its put and runs, and a run claims all that lies in raw when it begins. A list of executions
that is out of date can only miss a later bell, or show an earlier one that has ended: one run more, or one wait more.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha1
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.chain.interpreter import evaluate
from tests.chain.machine import definition

_STATES = definition()["States"]
_LOOK = {name: text[2:-2] for name, text in _STATES["LookAround"]["Assign"].items()}
_UNLISTED, _LEAVE, _WAIT = (rule["Condition"][2:-2] for rule in _STATES["IsItMyTurn"]["Choices"][:3])
_TURN = _STATES["WaitForTurn"]["Seconds"]


@dataclass
class Execution:
    name: str
    began: float
    ended: float | None = None
    claimed_at: float | None = None


@dataclass
class World:
    """Time in seconds. `lag`: how far a list of executions may be out of date. `faults`: how often a start fails.

    `digits`: of seconds in a list of executions, which may be rounded.
    """

    chance: random.Random
    lag: float = 0
    digits: int = 3
    faults: float = 0
    dies: float = 0
    now: float = 0
    files: dict[str, float] = field(default_factory=dict)
    claimed: dict[str, float] = field(default_factory=dict)
    executions: dict[str, Execution] = field(default_factory=dict)
    lock_free_at: float = 0
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: Any = field(default_factory=count)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.now + seconds, next(self._order), what))

    def run(self) -> World:
        while self._events:
            self.now, _, what = heapq.heappop(self._events)
            what()
        return self

    def put(self, name: str) -> None:
        """A file lands; its event comes later, perhaps twice."""
        self.files[name] = self.now
        for _ in range(self.chance.choice([1, 1, 1, 2])):
            self.later(self.chance.uniform(0, 30), lambda: self.deliver([name]))

    def deliver(self, names: list[str]) -> None:
        """The function gets a batch; when no execution starts, the queue delivers it again."""
        if self.chance.random() < self.faults:
            self.later(180, lambda: self.deliver(names))
            return
        self.start("s3-" + sha1("-".join(sorted(names)).encode(), usedforsecurity=False).hexdigest())

    def start(self, name: str) -> None:
        if name not in self.executions:  # Step Functions: the same name starts nothing more
            self.executions[name] = Execution(name, self.now)
            self.later(self.chance.uniform(0.1, 2), lambda: self.look(self.executions[name]))

    def look(self, mine: Execution) -> None:
        """LookAround and IsItMyTurn, by their own expressions."""
        seen_at = self.now - self.chance.uniform(0, self.lag)
        going = [e for e in self.executions.values() if e.began <= seen_at and (e.ended is None or e.ended > seen_at)]
        result = {"Executions": [{"Name": e.name, "StartDate": _iso(round(e.began, self.digits))} for e in going]}
        variables = {"execution": mine.name, "mode": "full"}
        found = {
            name: evaluate(text, variables | {"states": {"result": result}})
            for name, text in _LOOK.items()
        }  # fmt: skip
        if evaluate(_UNLISTED, variables | found):
            self.later(_TURN, lambda: self.look(mine))
        elif evaluate(_LEAVE, variables | found):
            mine.ended = self.now
        elif evaluate(_WAIT, variables | found):
            self.later(_TURN, lambda: self.look(mine))
        else:
            self.later(self.chance.uniform(1, 60), lambda: self.claim(mine))

    def claim(self, mine: Execution) -> None:
        """The target has started; the lock lets one run in at a time."""
        if self.now < self.lock_free_at:
            self.later(self.lock_free_at - self.now, lambda: self.claim(mine))
            return
        seconds = self.chance.uniform(5, 600)
        self.lock_free_at = mine.ended = self.now + seconds
        if self.chance.random() < self.dies:
            return  # no target was there, or the run died: its files are still in raw
        mine.claimed_at = self.now
        self.claimed |= {name: self.now for name in self.files if name not in self.claimed}

    @property
    def runs(self) -> int:
        return sum(e.claimed_at is not None for e in self.executions.values())


def _iso(seconds: float) -> str:
    minutes, rest = divmod(round(seconds, 3), 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    return f"1970-01-{days + 1:02}T{hours:02}:{minutes:02}:{rest:06.3f}Z"


def world_of(seed: int, files: int, seconds: float, **given: Any) -> World:
    world = World(random.Random(seed), **given)
    for number in range(files):
        world.later(world.chance.uniform(0, seconds), lambda number=number: world.put(f"{number}"))
    return world.run()


@settings(max_examples=60)
@given(
    st.integers(0, 2**32),
    st.integers(1, 12),
    st.floats(1, 3000),
    st.floats(0, 30),
    st.floats(0, 0.5),
    st.integers(0, 3),
)
def test_every_file_is_claimed_by_a_run_that_began_after_its_put(
    seed: int, files: int, seconds: float, lag: float, faults: float, digits: int
) -> None:
    world = world_of(seed, files, seconds, lag=lag, faults=faults, digits=digits)
    assert set(world.claimed) == set(world.files)
    assert all(world.claimed[name] >= put for name, put in world.files.items())


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(1, 12))
def test_what_a_run_that_died_has_left_is_taken_by_the_next_bell_or_the_sweep(seed: int, files: int) -> None:
    world = world_of(seed, files, 1000, dies=0.5)
    world.dies = 0
    world.start("sweep-1")
    world.run()
    assert set(world.claimed) == set(world.files)


@pytest.mark.parametrize("seed", range(3))
def test_two_thousand_files_in_a_minute_are_a_handful_of_runs(seed: int) -> None:
    world = World(random.Random(seed), lag=2)
    for batch in range(10):  # what a batching window of 20 seconds and two pollers make of them, and a few stragglers
        names = [f"{number}" for number in range(batch * 200, batch * 200 + 200)]
        world.later(batch * 6, lambda names=names: world.files.update(dict.fromkeys(names, world.now)))
        world.later(batch * 6 + 20, lambda names=names: world.deliver([f"{names[0]}-{names[-1]}"]))
    world.run()
    assert set(world.claimed) == set(world.files)
    assert len(world.executions) == 10
    assert world.runs <= 4


def test_a_long_run_during_which_files_trickle_in_is_followed_by_one_run_not_by_hundreds() -> None:
    world = World(random.Random(7), lag=1)
    world.lock_free_at = 7200.0
    world.executions["long"] = Execution("long", 0.0, ended=7200.0)
    for minute in range(1, 115):
        world.later(minute * 60, lambda minute=minute: world.put(f"{minute}"))
    world.run()
    assert set(world.claimed) == set(world.files)
    assert world.runs <= 2
