from kedro.io import AbstractDataset


class Source(AbstractDataset):
    """Something that is reached with credentials."""

    def __init__(self, credentials, fs_args):
        self._credentials = credentials
        self._arguments = fs_args

    def _load(self):
        return {**self._credentials, **self._arguments}

    def _save(self, data):
        raise NotImplementedError

    def _describe(self):
        return {}
