"""Does as a job: works through s3fs, pandas and Kedro's datasets with the credentials of its container, within the policy that kedroctl generates."""

import os
import sys

import pandas as pd
import s3fs
from botocore.exceptions import ClientError
from kedro.io import DatasetError, Version
from kedro_datasets.pandas import CSVDataset
from kedro_datasets.partitions import PartitionedDataset

own = sys.argv[1]
fs = s3fs.S3FileSystem()
frame = pd.DataFrame({"a": range(1000), "b": ["x"] * 1000})
VERSION = "2026-11-23T09.55.12.345Z"


def csv(path, version=None):
    return CSVDataset(filepath="s3://" + path, save_args={"index": False}, version=version)


def refused(do, *args, **kwargs):
    """Whether S3 refuses it for want of permission, however the libraries say so."""
    try:
        do(*args, **kwargs)
    except (PermissionError, DatasetError) as e:
        while e and not isinstance(e, PermissionError):
            e = e.__cause__
        return e is not None
    return False


def status_of_head(bucket, key):
    try:
        fs.call_s3("head_object", Bucket=bucket, Key=key)
    except (OSError, ClientError) as e:
        while not isinstance(e, ClientError):
            e = e.__cause__
        return e.response["ResponseMetadata"]["HTTPStatusCode"]
    return 200


# the own bucket: plain, versioned and partitioned
csv(f"{own}/01_raw/plain.csv").save(frame)
assert csv(f"{own}/01_raw/plain.csv").load().equals(frame)
assert not csv(f"{own}/01_raw/none.csv").exists()
csv(f"{own}/02/versioned.csv", Version(None, VERSION)).save(frame)
assert csv(f"{own}/02/versioned.csv", Version(None, None)).load().equals(frame)
assert csv(f"{own}/02/versioned.csv", Version(None, None)).exists()
for overwrite, names in ((False, ["a/1", "b"]), (True, ["c"])):
    parts = PartitionedDataset(path=f"s3://{own}/03/parts", dataset="pandas.CSVDataset", filename_suffix=".csv", overwrite=overwrite)
    parts.save({name: frame for name in names})
    parts.release()
    assert sorted(parts.load()) == names

# an object of many parts
big = os.urandom(40 << 20)
with fs.open(f"{own}/04/big", "wb", block_size=8 << 20) as f:
    f.write(big)
with fs.open(f"{own}/04/big") as f:
    assert f.read() == big
assert fs.call_s3("head_object", Bucket=own, Key="04/big")["ETag"].strip('"').partition("-")[2], "it was not sent in parts"
fs.cp(f"{own}/04/big", f"{own}/04/copy")
fs.rm(f"{own}/04", recursive=True)
assert not fs.exists(f"{own}/04/copy")

# what the settings let the project read and write besides
assert csv("company-lake/raw/plain.csv").load().equals(frame)
assert csv("company-lake/raw/versioned.csv", Version(None, None)).load().equals(frame)
assert sorted(PartitionedDataset(path="s3://company-lake/raw/parts", dataset="pandas.CSVDataset", filename_suffix=".csv").load()) == ["a", "b"]
csv("results/team/table.csv", Version(None, VERSION)).save(frame)
assert csv("results/team/table.csv", Version(None, None)).load().equals(frame)

# and nothing else
assert refused(csv("company-lake/raw/plain.csv").save, frame)
assert refused(csv("company-lake/other.csv").load)
assert refused(csv("of-somebody-else/x.csv").load)
assert refused(csv("of-somebody-else/x.csv").save, frame)
assert refused(fs.ls, "company-lake")
assert refused(fs.pipe, f"{own}/.kedroctl/deployment.json", b"{}")

# a missing key is told of to those who may list it
assert status_of_head(own, "none") == 404
assert status_of_head("company-lake", "raw/none") == 404
assert status_of_head("company-lake", "none") == 403
assert status_of_head("of-somebody-else", "none") == 403
# and to nobody else, whatever they may get
assert status_of_head("not-listed", "there") == 200
assert status_of_head("not-listed", "none") == 403
