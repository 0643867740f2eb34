"""Slices of keys: none lies in two buckets, and all of them together are the batch."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spark_app.classify.slices import BUCKET, WHOLE, Slice, slices_of
from spark_app.classify.staging import Attempt, Staged, committed
from spark_app.errors import StateUnreadable
from spark_app.storage.local import LocalPlace

FEW = st.integers(1, 40)


@given(wanted=FEW, buckets=FEW, hashed=st.integers(-(2**63), 2**63 - 1))
def test_a_key_is_in_one_slice_which_lies_in_the_keys_bucket(wanted: int, buckets: int, hashed: int) -> None:
    slices = slices_of(wanted, buckets)
    assert wanted / 1.2 <= len(slices) < wanted + buckets
    assert buckets > 1 or len(slices) == wanted
    (its,) = [part for part in slices if hashed % part.of == part.number]
    assert its.bucket(buckets) == hashed % buckets


def test_a_slice_reads_its_bucket_and_the_whole_reads_all_that_are_there(tmp_path: Path) -> None:
    attempt = Attempt(LocalPlace(tmp_path), buckets=3)
    for number in (0, 2):
        (tmp_path / "rows" / f"{BUCKET}={number}").mkdir(parents=True)
    all_there = [attempt.rows / f"{BUCKET}=0", attempt.rows / f"{BUCKET}=2"]
    assert attempt.rows_of(WHOLE) == all_there
    assert attempt.rows_of(Slice(5, 6)) == all_there[1:]
    assert attempt.rows_of(Slice(1, 6)) == all_there, "nothing of it is there, and nothing of it will be found"


def test_rows_without_buckets_are_read_from_one_folder(tmp_path: Path) -> None:
    attempt = Attempt(LocalPlace(tmp_path))
    assert attempt.rows_of(Slice(1, 2)) == attempt.rows_of(WHOLE) == [attempt.rows]


@pytest.mark.parametrize(("number", "slices", "refused"), [(5, 1, False), (5, 2, True), (6, 2, False)])
def test_an_attempt_whose_slices_were_made_by_another_hash_is_refused(
    tmp_path: Path, number: int, slices: int, refused: bool
) -> None:
    staged = Staged("orders", "a", (), {}, {}, {}, {}, {}, slices=slices, format=number)
    (tmp_path / "staged.json").write_text(json.dumps(asdict(staged)))
    with pytest.raises(StateUnreadable, match="format 5") if refused else nullcontext():
        assert committed(LocalPlace(tmp_path))
