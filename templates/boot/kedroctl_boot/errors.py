"""Failures that a person can act on, told in one line."""


class BootError(Exception):
    """What went wrong, on what, and why; the job ends with ``code``."""

    code = 1


class TwinError(BootError):
    """Another job does this work already: nothing is done here."""

    code = 75
