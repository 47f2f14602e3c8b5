"""Trains the adapter that thinks in fewer tokens: see README.md beside this file. Outside the package, and not
needed to use it."""
