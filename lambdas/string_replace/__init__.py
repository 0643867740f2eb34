"""Replaces strings for the state machine: names that people give become names that storage takes."""
