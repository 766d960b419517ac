"""Feeds and feed lists: parsing, writing, discovery and schedule. Imports no Beam."""
