"""The one rule that maps local data to S3. kedroctl has the same rule in Go (internal/project, S3Key)."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath


def s3_path(local: str, bucket: str, under: str = "") -> str:
    """Return the S3 path of a path relative to the project: a leading ``data/`` removed, under ``s3://<bucket>/<under>``.

    It is "" where there is none: for the project or its data directory as a whole, and for what lies outside.
    """
    key = posixpath.normpath(local.replace("\\", "/"))
    if key in (".", "data", "..") or key.startswith(("../", "/")):
        return ""
    return f"s3://{bucket}/{under}{key[len('data/'):] if key.startswith('data/') else key}"


def enclosed(path: str, bucket: str, under: str) -> str:
    """Return a path in S3 as it is below a prefix of the bucket: data of another bucket lies below that one's name there.

    Any other path is returned as it is.
    """
    protocol, _, rest = path.partition("://")
    if protocol not in ("s3", "s3a", "s3n"):
        return path
    own, _, key = rest.partition("/")
    return f"{protocol}://{bucket}/{under}{key if own == bucket else rest}"


def relative(path: str, project: str) -> str:
    """Return a local path relative to the project where it lies inside, else as it is; "" for a path that is not local."""
    path = path[len("file://"):] if path.startswith("file://") else path
    if "://" in path:
        return ""
    path = posixpath.normpath(path.replace("\\", "/"))
    try:
        return PurePosixPath(path).relative_to(project).as_posix()
    except ValueError:
        return path
