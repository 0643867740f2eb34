"""What S3 answers, as errors of this program: what was asked of which place, why not, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    NoCredentialsError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
)

from spark_app.errors import LakehouseError, StorageDenied, StorageUnreachable


class Superseded(Exception):
    """The content is not the one that the call was about."""


_ABSENT = {"404", "NoSuchKey", "NotFound"}
_SUPERSEDED = {"412", "PreconditionFailed", "ConditionalRequestConflict", "409"}
_DENIED = {"403", "AccessDenied", "AllAccessDisabled"}
_OF_CREDENTIALS = {
    "InvalidAccessKeyId": "there is no such access key",
    "SignatureDoesNotMatch": "the secret key is another one",
    "ExpiredToken": "the session has expired",
    "InvalidToken": "the session token is not valid",
    "TokenRefreshRequired": "the session has expired",
    "RequestTimeTooSkewed": "this machine's clock is wrong",
}
_TRANSIENT = {"RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequests", "429", "408"}
_ELSEWHERE = {"301", "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
_PERMISSIONS = {
    "head_object": "s3:GetObject",
    "get_object": "s3:GetObject",
    "put_object": "s3:PutObject",
    "copy_object": "s3:GetObject and s3:PutObject",
    "delete_object": "s3:DeleteObject",
    "delete_objects": "s3:DeleteObject",
    "list_objects_v2": "s3:ListBucket",
}


@contextmanager
def refusals(action: str, where: str) -> Iterator[None]:
    """Turns what boto3 raises into FileNotFoundError, Superseded, StorageDenied or StorageUnreachable."""
    try:
        yield
    except ClientError as error:
        raise _answered(error, action, where) from error
    except (NoCredentialsError, PartialCredentialsError, ProfileNotFound) as error:
        raise StorageDenied(
            "There are no AWS credentials",
            where=where,
            why=type(error).__name__,
            next_step="Set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run under a role.",
        ) from error
    except ParamValidationError as error:
        raise StorageDenied(
            "S3 cannot be asked this", where=where, why=action, next_step="Correct the bucket's name."
        ) from error
    except (HTTPClientError, BotoCoreError, S3UploadFailedError) as error:
        raise _unreachable(action, where, type(error).__name__) from error


def _answered(error: ClientError, action: str, where: str) -> Exception:
    code = str(error.response.get("Error", {}).get("Code", ""))
    if code in _ABSENT:
        return FileNotFoundError(where)
    if code in _SUPERSEDED:
        return Superseded(where)
    if refused := _refused(code, action, where):
        return refused
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if 400 <= status < 500 and code not in _TRANSIENT:
        return StorageDenied(
            f"S3 does not understand {action}", where=where, why=code, next_step="Correct the address."
        )
    return _unreachable(action, where, code)


def _refused(code: str, action: str, where: str) -> LakehouseError | None:
    permission = _PERMISSIONS.get(action, action)
    if code == "NoSuchBucket":
        return StorageDenied("There is no such bucket", where=where, next_step="Correct --root, or make the bucket.")
    if code in _ELSEWHERE:
        return StorageDenied(
            "The bucket is in another region", where=where, why=code, next_step="Set AWS_REGION to the bucket's region."
        )
    if code in _DENIED:
        why, step = "access is denied", f"Allow this role or user {permission} there, or use other credentials."
    elif code in _OF_CREDENTIALS:
        why = _OF_CREDENTIALS[code]
        step = "Correct the credentials: AWS_PROFILE, or AWS_ACCESS_KEY_ID and what belongs to it."
    else:
        return None
    return StorageDenied(f"S3 refuses {permission}", where=where, why=why, next_step=step)


def _unreachable(action: str, where: str, why: str) -> StorageUnreachable:
    return StorageUnreachable(
        "S3 gave no answer that helps, though it was asked again",
        where=f"{action} {where}",
        why=why,
        next_step="Run again later; the run goes on where it stopped.",
    )
