"""Where the PySpark code runs: classic Spark or Sail. The only room that knows which."""
