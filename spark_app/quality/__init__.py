"""Suites of rules: read from Great Expectations JSON, checked when loaded, compiled into columns."""
