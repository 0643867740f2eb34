"""Delta tables: one for each dataset, and those of the system."""
