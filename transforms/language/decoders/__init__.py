"""Faster greedy decoders for spaCy's trained parser and entity recogniser."""
