"""What stewards review: validation results as Great Expectations writes them, and its Data Docs without a network."""
