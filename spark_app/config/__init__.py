"""What a run is told: contracts (structure of the datasets) and settings (zones, engine, options)."""
