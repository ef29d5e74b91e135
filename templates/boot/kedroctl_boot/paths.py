"""The one rule that maps local data to S3. kedroctl has the same rule in Go (internal/project, S3Key)."""

from __future__ import annotations

import posixpath
from pathlib import PurePosixPath


def s3_path(local: str, bucket: str) -> str:
    """Return the S3 path of a path relative to the project: a leading ``data/`` removed, under ``s3://<bucket>/``.

    It is "" where there is none: for the project or its data directory as a whole, and for what lies outside.
    """
    key = posixpath.normpath(local.replace("\\", "/"))
    if key in (".", "data", "..") or key.startswith(("../", "/")):
        return ""
    return f"s3://{bucket}/{key[len('data/'):] if key.startswith('data/') else key}"


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
