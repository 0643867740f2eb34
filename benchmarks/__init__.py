"""Cold processes, interleaved rounds, the same input: what a load costs, as ratios in one run."""
