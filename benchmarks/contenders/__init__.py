"""Other ways to get the same items into Delta, each a program: `python -m benchmarks.contenders.NAME LAKE`.

Each reads `LAKE/raw/order-items/*.csv` and the parents' tables below `LAKE/processed/tables`. Those that do the same
work as ours write `LAKE/out/loaded`, `quarantine` and `waiting`: the rows of the suite's 14 rules, the types, one row a
key, and both parents, so that the same truth holds for all of them. What each leaves out is said in its first lines.
"""
