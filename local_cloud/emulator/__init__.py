"""The emulator's process: MiniStack, with jobs that run where it only says that they did.

It has an environment of its own (requirements/cloud.txt), for MiniStack pins one botocore. Its private names move, so
its version is pinned, and each seam says what it replaces.
"""
