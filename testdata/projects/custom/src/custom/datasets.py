import json

import fsspec
from kedro.io import AbstractDataset


class NoteDataset(AbstractDataset):
    """Keeps a value as JSON."""

    def __init__(self, filepath, metadata=None):
        self._filepath = filepath
        self.metadata = metadata

    def load(self):
        with fsspec.open(self._filepath) as file:
            return json.load(file)

    def save(self, data):
        with fsspec.open(self._filepath, "w") as file:
            json.dump(data, file)

    def _describe(self):
        return {"filepath": self._filepath}
