"""Reads and writes through s3fs, pandas and Kedro's datasets; ends with an error where something does not come back as it was written."""

import os
import sys

import pandas as pd
import pyarrow.fs
import s3fs
from kedro.io import DatasetError, Version
from kedro_datasets.partitions import PartitionedDataset
from kedro_datasets.pickle import PickleDataset

bucket = sys.argv[1]
fs = s3fs.S3FileSystem()
frame = pd.DataFrame({"a": range(1000), "b": ["x"] * 1000})

# plain files
frame.to_parquet(f"s3://{bucket}/01_raw/df.parquet")
assert pd.read_parquet(f"s3://{bucket}/01_raw/df.parquet").equals(frame)
frame.to_csv(f"s3://{bucket}/01_raw/a b%20ü.csv", index=False)
assert pd.read_csv(f"s3://{bucket}/01_raw/a b%20ü.csv").equals(frame)
assert fs.ls(f"{bucket}/01_raw") == [f"{bucket}/01_raw/a b%20ü.csv", f"{bucket}/01_raw/df.parquet"]
assert fs.isdir(f"{bucket}/01_raw") and not fs.exists(f"{bucket}/02_none")

# an object of many parts, copied and read in pieces
big = os.urandom(40 << 20)
fs.pipe(f"{bucket}/big", big)
fs.cp(f"{bucket}/big", f"{bucket}/copy")
with fs.open(f"{bucket}/copy") as f:
    assert f.read() == big
    f.seek(-5, 2)
    assert f.read() == big[-5:]

# the same with Arrow's own client, which sends in parts whatever is longer than one
arrow = pyarrow.fs.S3FileSystem(endpoint_override=os.environ["AWS_ENDPOINT_URL"])
with arrow.open_output_stream(f"{bucket}/arrow/big") as f:
    f.write(big)
arrow.move(f"{bucket}/arrow/big", f"{bucket}/arrow/ä+b")
with arrow.open_input_stream(f"{bucket}/arrow/ä+b") as f:
    assert f.read() == big
assert [f.size for f in arrow.get_file_info([f"{bucket}/arrow/ä+b", f"{bucket}/arrow/big"])] == [len(big), None]
arrow.create_dir(f"{bucket}/arrow/empty")
assert [f.base_name for f in arrow.get_file_info(pyarrow.fs.FileSelector(f"{bucket}/arrow"))] == ["empty", "ä+b"]

# versioned: a version is saved once
versioned = PickleDataset(filepath=f"s3://{bucket}/06_models/m.pickle", version=Version(None, "2026-11-23T09.55.12.345Z"))
versioned.save({"x": 1})
assert PickleDataset(filepath=f"s3://{bucket}/06_models/m.pickle", version=Version(None, None)).load() == {"x": 1}
try:
    versioned.save({"x": 2})
    raise AssertionError("a version was saved twice")
except DatasetError as e:
    assert "must not exist" in str(e)


def parts(**more):
    return PartitionedDataset(path=f"s3://{bucket}/parts", dataset="pandas.ParquetDataset", filename_suffix=".parquet", **more)


# partitions, also such that replace what was there
parts().save({"a/1": frame, "b": frame})
assert sorted(parts().load()) == ["a/1", "b"]
parts(overwrite=True).save({"c": frame})
assert sorted(parts().load()) == ["c"]

# a claim is granted once
fs.call_s3("put_object", Bucket=bucket, Key="claim", Body=b"1", IfNoneMatch="*")
try:
    fs.call_s3("put_object", Bucket=bucket, Key="claim", Body=b"2", IfNoneMatch="*")
    raise AssertionError("a claim was granted twice")
except OSError:
    assert fs.cat(f"{bucket}/claim") == b"1"

fs.rm(bucket, recursive=True)
