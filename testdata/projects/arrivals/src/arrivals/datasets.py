from pathlib import Path

from kedro.io import AbstractDataset


class LineDataset(AbstractDataset):
    """A line of text in a file on disk."""

    def __init__(self, filepath):
        self._filepath = Path(filepath)

    def load(self):
        return self._filepath.read_text().rstrip("\n")

    def save(self, data):
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        self._filepath.write_text(data + "\n")

    def _describe(self):
        return {"filepath": str(self._filepath)}
