"""What a run tells: its report, its screen."""
