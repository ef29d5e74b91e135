"""Readings of two weather stations."""
