"""Dataflow workers install the package through this file; its metadata is in pyproject.toml."""

from setuptools import setup

setup()
