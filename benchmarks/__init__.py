"""Measurements of accuracy, tokens and speed. Not part of the package; see benchmarks/README.md."""
