"""Paths of files. Imports no Beam."""


def is_local(path: str) -> bool:
    """Tell whether a path is on this machine rather than on another Beam file system."""
    return "://" not in path
