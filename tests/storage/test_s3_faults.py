"""A server that is slow, silent, or whose answers are lost: asked again, within a bound, and never wrong."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from botocore.exceptions import ClientError
from deltalake import write_deltalake

from spark_app.errors import LakehouseError, StorageDenied, StorageUnreachable
from spark_app.storage import s3_client
from spark_app.storage.at import place_at
from spark_app.storage.place import Found, Pin, Place, SharedPlace
from spark_app.storage.s3 import S3Place
from spark_app.storage.s3_faults import refusals
from spark_app.tables.reading import newest
from tests.faulty_s3 import Proxy, proxied


@pytest.fixture
def proxy(s3: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Proxy]:
    with proxied() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.endpoint)
        monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
        s3_client.connection.cache_clear()
        yield server
    s3_client.connection.cache_clear()


@pytest.fixture
def place(bucket: str, proxy: Proxy) -> SharedPlace:
    found = place_at(f"s3://{bucket}/x")
    assert isinstance(found, SharedPlace)
    return found


@pytest.mark.parametrize("fault", ["throttled", "cut", "lost"])
def test_a_fault_or_two_are_asked_away(place: Place, proxy: Proxy, fault: str) -> None:
    proxy.faults.extend([fault, fault])
    place.write("content")
    assert proxy.seen.count("PUT") == 3
    proxy.faults.extend([fault, fault])
    assert place.read_text() == "content"


@pytest.mark.parametrize("fault", ["throttled", "cut"])
def test_a_fault_that_stays_is_told_as_one_worth_a_retry_after_a_bound(place: Place, proxy: Proxy, fault: str) -> None:
    proxy.faults.extend([fault] * 100)
    with pytest.raises(StorageUnreachable, match="gave no answer that helps") as gone:
        place.write("content")
    assert (gone.value.exit_code, gone.value.retryable) == (5, True)
    assert str(place) in gone.value.where
    assert proxy.seen.count("PUT") == 6


def test_a_table_whose_log_may_be_listed_and_not_read_is_told_as_denied(place: SharedPlace, proxy: Proxy) -> None:
    table = place / "table"
    write_deltalake(str(table), pa.table({"id": [1]}), storage_options=dict(place.options))
    proxy.faults.extend(["", *["refused"] * 20])
    with pytest.raises(StorageDenied, match="A table cannot be read"):
        newest(table)
    proxy.faults.clear()
    assert newest(table) is not None


def test_a_first_write_whose_answer_was_lost_is_known_as_ones_own(place: Place, proxy: Proxy) -> None:
    proxy.faults.append("lost")
    assert place.write_new("mine")
    assert not place.write_new("another's")


def test_a_change_whose_answer_was_lost_is_known_as_ones_own(place: SharedPlace, proxy: Proxy) -> None:
    first = place.replace("one", "")
    assert first
    proxy.faults.append("lost")
    second = place.replace("two", first)
    assert second
    assert place.read_tagged().tag == second


def test_a_move_whose_answers_were_lost_is_done_once(bucket: str, proxy: Proxy) -> None:
    source, target = place_at(f"s3://{bucket}/raw"), place_at(f"s3://{bucket}/archive")
    source.write("content")
    pin = source.pin()
    proxy.faults.extend(["", "", "lost"])
    moved = source.move_to(target, pin) or source.move_to(target, pin)
    assert (moved, source.is_file(), target.read_text()) == (True, False, "content")


def test_a_server_that_is_not_there_is_worth_a_retry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setattr("botocore.retries.standard.ExponentialBackoff.delay_amount", lambda *_: 0.01)
    s3_client.connection.cache_clear()
    try:
        with pytest.raises(StorageUnreachable):
            place_at("s3://lake/x").is_zone()
    finally:
        s3_client.connection.cache_clear()


@pytest.mark.parametrize(
    ("code", "said", "exit_code"),
    [
        ("PermanentRedirect", "in another region", 6),
        ("AuthorizationHeaderMalformed", "in another region", 6),
        ("ExpiredToken", "s3:PutObject", 6),
        ("AccessDenied", "s3:PutObject", 6),
        ("InternalError", "no answer that helps", 5),
        ("SomethingNew", "no answer that helps", 5),
    ],
)
def test_what_the_test_server_never_says_is_told_too(code: str, said: str, exit_code: int) -> None:
    with pytest.raises(LakehouseError, match=said) as told, refusals("put_object", "s3://lake/x"):
        raise ClientError({"Error": {"Code": code, "Message": "a row, perhaps"}}, "PutObject")
    assert told.value.exit_code == exit_code
    assert "s3://lake/x" in told.value.where
    assert "a row, perhaps" not in str(told.value)


def test_without_credentials_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    s3_client.connection.cache_clear()
    try:
        with pytest.raises(StorageDenied, match="no AWS credentials"):
            place_at("s3://lake/x").is_zone()
    finally:
        s3_client.connection.cache_clear()


def test_a_key_that_is_fetched_stays_below_the_folder_it_is_fetched_to(
    bucket: str, s3: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (place_at(f"s3://{bucket}/conf") / "x").write("content")
    outside = tmp_path / "outside"
    odd = [Found(f"/{outside}", Pin(0, 0)), Found("../../up", Pin(0, 0)), Found("a/./b", Pin(0, 0))]
    monkeypatch.setattr(S3Place, "files", lambda self: iter(odd))
    monkeypatch.setattr(S3Place, "_fetch", lambda self, target: target.write_text("brought"))
    with place_at(f"s3://{bucket}/conf").fetched() as folder:
        found = sorted(f.relative_to(folder).as_posix() for f in folder.rglob("*") if f.is_file())
    assert found == sorted([str(outside).strip("/"), "up", "a/b"])
    assert not outside.exists()
