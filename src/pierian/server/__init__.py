"""Faces for other programs; each module is one protocol."""
