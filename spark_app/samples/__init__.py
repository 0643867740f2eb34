"""A seeded sample of a shop's files, with faults whose number is known."""
