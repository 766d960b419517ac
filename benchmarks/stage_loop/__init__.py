"""The stages of `ingest` in a plain loop.

It is a package because child processes import the main module again, except a ``__main__``.
"""
