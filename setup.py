"""Setup script, which Beam needs to install the package on Dataflow workers.

The metadata is in pyproject.toml.
"""

from setuptools import setup

setup()
