"""The definitions and builds of each target."""
