"""What stewards do with quarantine: take rows out to correct them, and bring them back; all of it recorded."""
