"""Loads files into Delta tables and accounts for every row and cent."""

__version__ = "0.1.0"
