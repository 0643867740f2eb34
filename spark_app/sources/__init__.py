"""Files → Arrow batches of text. No engine here: the same functions run in tests, and inside the engines' tasks."""
