"""Feeds and feed lists: parser, list reader and writer, discovery and schedule."""
