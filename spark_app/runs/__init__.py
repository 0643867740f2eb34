"""A run as a whole: its lock, its plan, its balance, and its end."""
