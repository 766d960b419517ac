"""Engines that run the pipeline, as real processes on loopback: Flink, Prism, portable.

Each engine is a context manager with ``flags``, which are Beam's flags for a run on it, and a
``pool`` of SDK workers, each a process of its own. What they log lies in the folder they are given.
See docs/engines.md.
"""
