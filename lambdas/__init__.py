"""The functions of the chain on AWS. Each is a package of its own, and knows nothing of the application."""
