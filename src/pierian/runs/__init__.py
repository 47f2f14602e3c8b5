"""Runs: today only how all of them are stopped at once."""
