import shutil
from pathlib import Path, PurePosixPath

from kedro.io import AbstractDataset, AbstractVersionedDataset


class PictureDataset(AbstractDataset):
    """Rows of shades as a PGM file; like other libraries it takes the format from the name of a file on disk."""

    def __init__(self, filepath, metadata=None):
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self):
        kind, width, height, _, *shades = self._filepath.read_text().split()
        if kind != "P2":
            raise ValueError(f"unknown kind {kind}")
        rows = [int(shade) for shade in shades]
        return [rows[at * int(width):(at + 1) * int(width)] for at in range(int(height))]

    def save(self, data):
        if self._filepath.suffix != ".pgm":
            raise ValueError(f"unknown file extension: {self._filepath.suffix}")
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        head = f"P2 {len(data[0])} {len(data)} 255\n"
        self._filepath.write_text(head + "\n".join(" ".join(map(str, row)) for row in data) + "\n")

    def _describe(self):
        return {"filepath": str(self._filepath)}


class ModelDataset(AbstractVersionedDataset):
    """A number, with versions, for which Kedro itself looks on the disk."""

    def __init__(self, filepath, version=None):
        super().__init__(PurePosixPath(filepath), version)

    def load(self):
        return int(Path(self._get_load_path()).read_text())

    def save(self, data):
        path = Path(self._get_save_path())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(data))

    def _describe(self):
        return {"filepath": str(self._filepath)}


class AlbumDataset(AbstractDataset):
    """A directory, made anew by each save."""

    def __init__(self, path):
        self._path = Path(path)

    def load(self):
        return {page.relative_to(self._path).as_posix(): page.read_text() for page in self._path.rglob("*.txt")}

    def save(self, data):
        shutil.rmtree(self._path, ignore_errors=True)
        for name, text in data.items():
            page = self._path / name
            page.parent.mkdir(parents=True, exist_ok=True)
            page.write_text(text)

    def _describe(self):
        return {"path": str(self._path)}
