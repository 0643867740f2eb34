"""Amazon S3, and what speaks like it: the only module that knows boto3.

Credentials, region and endpoint come by boto3's own chain (AWS_ENDPOINT_URL for an emulator). Folders are a part of
names, an object is there whole or not at all, and each answer is the newest truth, so nothing is renamed into place.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spark_app.storage.place import Found, Pin, SharedPlace, Tagged
from spark_app.storage.s3_client import Connection, connection
from spark_app.storage.s3_faults import Superseded, refusals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pyarrow.fs import FileSystem

_DELETED_AT_ONCE = 1000


@dataclass(frozen=True)
class S3Place(SharedPlace):
    """A key of a bucket, or a prefix of keys."""

    bucket: str
    key: str

    @classmethod
    def of(cls, uri: str) -> S3Place:
        """The place of an address `s3://bucket/key`."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        return cls(bucket, key.rstrip("/"))

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}".rstrip("/")

    def __truediv__(self, part: str) -> S3Place:
        return S3Place(self.bucket, f"{self.key}/{part}" if self.key else part)

    @property
    def parent(self) -> S3Place:
        return S3Place(self.bucket, self.key.rpartition("/")[0])

    @property
    def options(self) -> Mapping[str, str]:  # type: ignore[override]
        return self._connection.options()

    @property
    def _connection(self) -> Connection:
        return connection()

    def _asked(self, action: str, **arguments: Any) -> Any:
        """The answer to a call about this key. `action` is the client's method."""
        with refusals(action, str(self)):
            return getattr(self._connection.client, action)(Bucket=self.bucket, Key=self.key, **arguments)

    def is_file(self) -> bool:
        try:
            self._asked("head_object")
        except FileNotFoundError:
            return False
        return True

    def is_folder(self) -> bool:
        return any(True for _ in self._listed(most=1))

    def is_zone(self) -> bool:
        self.is_folder()  # raises where there is no such bucket, or it may not be listed
        return True

    def pin(self) -> Pin:
        answer = self._asked("head_object")
        return _pin(answer["ContentLength"], answer["LastModified"], answer["ETag"])

    def read_bytes(self) -> bytes:
        return self._read()[0]

    def _read(self) -> tuple[bytes, dict[str, Any]]:
        with refusals("get_object", str(self)):  # also while the body comes
            answer = self._connection.client.get_object(Bucket=self.bucket, Key=self.key)
            return answer["Body"].read(), answer

    def files(self) -> Iterator[Found]:
        skipped = len(self._prefix)
        for item in self._listed():
            if not item["Key"].endswith("/"):  # what consoles make for a folder
                pin = _pin(item["Size"], item["LastModified"], item["ETag"])
                yield Found(item["Key"][skipped:], pin)

    def names(self) -> list[str]:
        found = set()
        for page in self._pages(Delimiter="/"):
            found |= {item["Prefix"][len(self._prefix) : -1] for item in page.get("CommonPrefixes", ())}
            found |= {item["Key"][len(self._prefix) :] for item in page.get("Contents", ())}
        return sorted(found - {""})

    @property
    def _prefix(self) -> str:
        return f"{self.key}/" if self.key else ""

    def _listed(self, most: int = 1000) -> Iterator[dict[str, Any]]:
        for page in self._pages(MaxKeys=most):
            yield from page.get("Contents", ())

    def _pages(self, **arguments: Any) -> Iterator[dict[str, Any]]:
        pages = self._connection.client.get_paginator("list_objects_v2")
        with refusals("list_objects_v2", f"{self}/"):
            yield from pages.paginate(Bucket=self.bucket, Prefix=self._prefix, **arguments)

    def write(self, content: str | bytes) -> None:
        self._asked("put_object", Body=content.encode() if isinstance(content, str) else content)

    def write_new(self, content: str) -> bool:
        return self.replace(content, "") is not None

    def read_tagged(self) -> Tagged:
        body, answer = self._read()
        now = parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])
        return Tagged(body.decode(), answer["ETag"], (now - answer["LastModified"]).total_seconds())

    def replace(self, text: str, tag: str) -> str | None:
        condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        try:
            return str(self._asked("put_object", Body=text.encode(), **condition)["ETag"])
        except Superseded:
            return self._landed(text)

    def _landed(self, text: str) -> str | None:
        """The tag, if what was refused is what is there: the answer was lost, and the call was made again."""
        try:
            there = self.read_tagged()
        except FileNotFoundError:
            return None
        return there.tag if there.text == text else None

    def move_to(self, target: S3Place, pin: Pin) -> bool:
        try:
            there = self.pin()
        except FileNotFoundError:
            return target.is_file()
        if there != pin:
            return False
        try:
            target._copy_of(self, pin.etag)
            self._asked("delete_object", IfMatch=pin.etag)
        except (Superseded, FileNotFoundError):
            return False
        return True

    def _copy_of(self, source: S3Place, etag: str) -> None:
        """A copy, in parts when it is large, of exactly the content that has the tag."""
        with refusals("copy_object", f"{source} to {self}"):
            self._connection.client.copy(
                {"Bucket": source.bucket, "Key": source.key},
                self.bucket,
                self.key,
                ExtraArgs={"CopySourceIfMatch": etag, "TaggingDirective": "REPLACE"},  # tags take rights of their own
            )

    def remove(self) -> None:
        keys = [{"Key": item["Key"]} for item in self._listed()]
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            some = {"Objects": keys[start : start + _DELETED_AT_ONCE], "Quiet": True}
            with refusals("delete_objects", f"{self}/"):
                self._connection.client.delete_objects(Bucket=self.bucket, Delete=some)

    def make_folder(self) -> None:
        """Nothing: a folder is there with its first file."""

    @contextmanager
    def fetched(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="lakehouse-") as scratch:
            target = Path(scratch) / (self.name or "root")
            if self.is_file():
                self._fetch(target)
            else:
                for found in self.files():
                    parts = (part for part in found.relative.split("/") if part not in ("", ".", ".."))
                    file = target.joinpath(*parts)  # a key may be any text, and stays below the target
                    file.parent.mkdir(parents=True, exist_ok=True)
                    (self / found.relative)._fetch(file)
            yield target

    def _fetch(self, target: Path) -> None:
        """In parts, side by side, each asked for again when it breaks off."""
        with refusals("get_object", str(self)):
            self._connection.client.download_file(self.bucket, self.key, str(target))

    @contextmanager
    def as_log(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="lakehouse-") as scratch:
            log = Path(scratch) / self.name
            try:
                yield log
            finally:
                if log.is_file() and log.stat().st_size:
                    self.write(log.read_bytes())

    def arrow(self) -> FileSystem:
        from pyarrow.fs import SubTreeFileSystem

        return SubTreeFileSystem(f"{self.bucket}/{self.key}", self._connection.arrow())


def _pin(size: int, modified: datetime, etag: str) -> Pin:
    return Pin(size, int(modified.timestamp()) * 10**9, etag)
