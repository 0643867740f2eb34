"""The Glue Data Catalog: tables as contracts and the system's schemas describe them, for Athena to read."""
