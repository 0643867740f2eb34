"""Rows of text → typed rows with reasons → one verdict a row, staged before anything is published."""
