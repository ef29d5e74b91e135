"""Small objects in S3: the request, the code archive, the work claim, the record.

botocore comes with s3fs. It is used directly because s3fs starts threads, which a runner that forks would inherit, and
because a claim needs a conditional PUT.
"""

from __future__ import annotations

import os
import time
from functools import cached_property
from typing import Any, Iterator

from .errors import BootError

# S3 answers 409 while another conditional PUT of the same key is under way, and asks to try again.
_CONFLICT_WAITS = (0.1, 0.3, 1.0, 3.0)


class Store:
    """Reads and writes objects by their ``s3://`` URI; every failure is a BootError that names action, object and cause.

    One process has it to itself: it keeps a connection.
    """

    @cached_property
    def _client(self) -> Any:
        return _client()

    def fetch(self, uri: str) -> bytes:
        """Return the content of an object."""
        bucket, key = _split(uri)
        answer = self._call("GetObject", uri, self._client.get_object, Bucket=bucket, Key=key)
        return answer["Body"].read()

    def read(self, uri: str) -> str:
        """Return the text of an object."""
        return self.fetch(uri).decode()

    def find(self, uri: str) -> str | None:
        """Return the text of an object, None where there is none, of which S3 says 403 to a role that may not list the bucket."""
        try:
            return self.read(uri)
        except BootError as error:
            if _status(error.__cause__) in (403, 404):
                return None
            raise

    def list(self, uri: str) -> Iterator[str]:
        """Yield the names of the objects under a prefix, without it."""
        bucket, prefix = _split(uri)
        token: dict[str, str] = {}
        while True:
            page = self._call("ListObjectsV2", uri, self._client.list_objects_v2, Bucket=bucket, Prefix=prefix, **token)
            yield from (entry["Key"][len(prefix):] for entry in page.get("Contents", []))
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def write(self, uri: str, text: str) -> None:
        """Write an object, over an older one too."""
        bucket, key = _split(uri)
        self._call("PutObject", uri, self._client.put_object, Bucket=bucket, Key=key, Body=text.encode())

    def create(self, uri: str, text: str) -> bool:
        """Write an object unless there is one; return whether it was written."""
        events = self._client.meta.events
        events.register("before-call.s3.PutObject", _only_if_absent)
        try:
            return self._create(uri, text)
        finally:
            events.unregister("before-call.s3.PutObject", _only_if_absent)

    def _create(self, uri: str, text: str) -> bool:
        waits = iter(_CONFLICT_WAITS)
        while True:
            try:
                self.write(uri, text)
                return True
            except BootError as error:
                status = _status(error.__cause__)
                wait = next(waits, None) if status == 409 else None
                if status == 412:
                    return False
                if wait is None:
                    raise
            time.sleep(wait)

    def _call(self, action: str, uri: str, operation: Any, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return operation(**arguments)
        except ClientError as error:
            answer = error.response.get("Error", {})
            raise BootError(f"s3:{action} {uri}: {answer.get('Code')}: {answer.get('Message')}") from error
        except BotoCoreError as error:
            raise BootError(f"s3:{action} {uri}: {error}") from error


def _client() -> Any:
    try:
        from botocore.config import Config
        from botocore.session import get_session
    except ImportError:
        raise BootError("the image has no botocore: s3fs must be among the project's dependencies") from None
    attempts = int(os.environ.get("AWS_MAX_ATTEMPTS") or 5)
    return get_session().create_client("s3", config=Config(retries={"mode": "standard", "total_max_attempts": attempts}))


def _only_if_absent(params: dict[str, Any], **_: Any) -> None:
    """Make a PUT conditional. botocore before 1.35 has no argument for it, and a project may have locked an older one."""
    params["headers"]["If-None-Match"] = "*"


def _split(uri: str) -> tuple[str, str]:
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise BootError(f"not the address of an object in S3: {uri}")
    return bucket, key


def _status(error: Any) -> int:
    response = getattr(error, "response", None) or {}
    return response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
