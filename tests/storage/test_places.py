"""What a place promises, kept by a local folder and by a bucket of a real S3 server."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

from spark_app.errors import StorageDenied
from spark_app.storage.at import place_at
from spark_app.storage.place import Pin, Place, SharedPlace
from tests import s3_server

ODD = ("a b.csv", "a+b.csv", "ü%41.csv", "x'y&z=1.csv", "日本/a.csv")


@pytest.fixture(params=["local", "plain", "versioned"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "local":
        return place_at(tmp_path / "zone")
    s3, bucket = request.getfixturevalue("s3"), request.getfixturevalue("bucket")
    if request.param == "versioned":
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    return place_at(f"s3://{bucket}/zone")


def test_what_is_written_is_read_and_listed_under_any_name(folder: Place) -> None:
    for name in ODD:
        (folder / name).write(f"content of {name}")
    assert sorted(found.relative for found in folder.files()) == sorted(ODD)
    assert [(folder / name).read_text() for name in ODD] == [f"content of {name}" for name in ODD]
    assert folder.names() == sorted(name.partition("/")[0] for name in ODD)
    assert {found.relative: found.pin for found in folder.files()} == {name: (folder / name).pin() for name in ODD}


def test_a_listing_of_a_folder_is_in_the_order_of_whole_paths(tmp_path: Path) -> None:
    folder = place_at(tmp_path)
    names = ["a b/x", "a-b", "a.csv", "a/b/z", "a/b.csv", "a/x", "a0", "b"]
    for name in names:
        (folder / name).write("")
    assert [found.relative for found in folder.files()] == sorted(names)


def test_nothing_is_there_before_it_is_written(folder: Place) -> None:
    assert (list(folder.files()), folder.names(), folder.is_folder()) == ([], [], False)
    assert not (folder / "x").is_file()
    with pytest.raises(FileNotFoundError):
        (folder / "x").read_text()
    with pytest.raises(FileNotFoundError):
        (folder / "x").pin()


def test_a_write_replaces_and_a_first_write_does_not(folder: Place) -> None:
    file = folder / "x"
    assert [file.write_new("one"), file.write_new("two")] == [True, False]
    assert file.read_text() == "one"
    file.write("three")
    assert file.read_text() == "three"


def test_of_many_first_writes_one_wins(folder: Place) -> None:
    wins: list[str] = []

    def claim(name: str) -> None:
        if (folder / "x").write_new(name):
            wins.append(name)

    threads = [threading.Thread(target=claim, args=(f"writer {n}",)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wins == [(folder / "x").read_text()]


@pytest.mark.parametrize("name", ODD)
def test_a_file_moves_with_its_content_and_moving_it_again_is_moved(folder: Place, name: str) -> None:
    source, target = folder / "raw" / name, folder / "archive" / name
    source.write("content")
    pin = source.pin()
    assert [source.move_to(target, pin), source.move_to(target, pin)] == [True, True]
    assert (source.is_file(), target.read_text()) == (False, "content")


def test_a_file_that_was_replaced_stays(folder: Place) -> None:
    source, target = folder / "raw", folder / "archive"
    source.write("seen")
    pin = source.pin()
    source.write("another")
    assert not source.move_to(target, pin)
    assert (source.read_text(), target.is_file()) == ("another", False)


def test_a_file_that_is_replaced_while_it_is_copied_stays_too(
    bucket: str, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spark_app.storage.s3 import S3Place

    source, target = S3Place(bucket, "raw/a.csv"), S3Place(bucket, "archive/a.csv")
    source.write("seen")
    pin, copied = source.pin(), S3Place._copy_of

    def copy_and_replace(to: S3Place, of: S3Place, etag: str) -> None:
        copied(to, of, etag)
        s3.put_object(Bucket=bucket, Key=of.key, Body=b"another")

    monkeypatch.setattr(S3Place, "_copy_of", copy_and_replace)
    assert not source.move_to(target, pin)
    assert source.read_text() == "another"


def test_a_big_file_moves_in_parts(bucket: str) -> None:
    source, target = place_at(f"s3://{bucket}/a"), place_at(f"s3://{bucket}/b")
    content = bytes(range(256)) * (80 << 10)
    source.write(content)
    assert source.move_to(target, source.pin())
    assert target.pin().etag.endswith('-3"'), "an object of three parts"
    assert target.read_bytes() == content


def test_a_folder_is_removed_with_all_below_it_and_nothing_beside_it(folder: Place) -> None:
    for name in ("a/x", "a/b/y", "ab"):
        (folder / name).write("")
    (folder / "a").remove()
    (folder / "a").remove()
    assert [found.relative for found in folder.files()] == ["ab"]


@pytest.mark.parametrize("keys", [2_500, pytest.param(10_500, marks=pytest.mark.long)])
def test_a_listing_of_many_pages_is_whole(bucket: str, s3: Any, keys: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    names = [f"{number:05d}" for number in range(keys)]
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(lambda name: s3.put_object(Bucket=bucket, Key=f"many/{name}", Body=b""), names))
    folder = place_at(f"s3://{bucket}/many")
    assert [found.relative for found in folder.files()] == names
    assert folder.names() == names
    folder.remove()
    assert not folder.is_folder()


def test_folders_and_files_are_fetched_whole(folder: Place) -> None:
    (folder / "a/x").write("one")
    (folder / "y.csv").write("two")
    with folder.fetched() as there, (folder / "y.csv").fetched() as file:
        assert (there / "a" / "x").read_text() == "one"
        assert (file.name, file.read_text()) == ("y.csv", "two")


def test_a_log_is_there_when_its_writer_has_ended(folder: Place) -> None:
    folder.make_folder()
    with (folder / "log").as_log() as file, file.open("a") as log:
        log.write("said")
    assert (folder / "log").read_text() == "said"


def test_arrow_reads_what_lies_there(folder: Place) -> None:
    (folder / "a/x.bin").write(b"content")
    with folder.arrow().open_input_file("a/x.bin") as file:
        assert file.read() == b"content"


def shared(bucket: str) -> SharedPlace:
    place = place_at(f"s3://{bucket}/state.json")
    assert isinstance(place, SharedPlace)
    return place


def test_a_change_names_the_content_that_it_follows(bucket: str) -> None:
    place = shared(bucket)
    first = place.replace("one", "")
    assert first
    assert place.replace("two", "") is None, "there is one already"
    second = place.replace("two", first)
    assert second
    assert place.replace("three", first) is None
    assert (place.read_tagged().text, place.read_tagged().tag) == ("two", second)
    assert 0 <= place.read_tagged().age < 5


def test_a_change_whose_answer_was_lost_is_known_by_its_content(bucket: str) -> None:
    place = shared(bucket)
    first = place.replace("one", "")
    assert first
    landed = place.replace("two", first)
    assert place.replace("two", first) == landed, "asked again, after it had landed"


def test_no_bucket_and_no_right_are_told_with_the_action_and_the_place(
    bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from spark_app.storage import s3_client

    with pytest.raises(StorageDenied, match="no such bucket") as absent:
        place_at("s3://there-is-no-such-bucket/x").is_zone()
    assert "s3://there-is-no-such-bucket" in absent.value.where
    for name, value in zip(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), s3_server.READER, strict=True):
        monkeypatch.setenv(name, value)
    s3_client.connection.cache_clear()
    try:
        with pytest.raises(StorageDenied, match="s3:PutObject") as denied:
            place_at(f"s3://{bucket}/x").write("")
    finally:
        s3_client.connection.cache_clear()
    assert (denied.value.where, denied.value.exit_code) == (f"s3://{bucket}/x", 6)


def test_a_pin_of_a_bucket_knows_the_content(bucket: str) -> None:
    place = place_at(f"s3://{bucket}/x")
    place.write("one")
    pin = place.pin()
    assert pin != Pin(pin.size, pin.mtime_ns, "another"), "two writes in one second differ"
