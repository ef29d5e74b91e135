from pathlib import Path

from kedro.io import AbstractDataset


class LinesDataset(AbstractDataset):
    """A file that each save adds lines to; its path has no key that Kedro knows."""

    def __init__(self, folder, name):
        self._file = Path(folder, name)

    def load(self):
        return self._file.read_text().splitlines()

    def save(self, data):
        self._file.parent.mkdir(parents=True, exist_ok=True)
        with self._file.open("a") as file:
            file.writelines(f"{line}\n" for line in data)

    def _describe(self):
        return {"file": str(self._file)}
