"""Verticals: pieces of work that people ask for by name, made of the rooms below. Each is a package of its own."""
