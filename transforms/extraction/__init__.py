"""Extraction of articles from pages. Imports no Beam."""
