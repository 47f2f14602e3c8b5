"""Seeing without a model that sees: pictures become scenes that are measured, and looks that are evidence."""
