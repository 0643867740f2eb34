"""Bytes outside the tables: small state files, and moving raw files between zones."""
