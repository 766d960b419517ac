"""Beam's row coders of the elements."""

import dataclasses

from schemas.coders import register_row_coder
from transforms.core import elements
from transforms.state.records import StateChange


def register_element_coders() -> None:
    """Register Beam's row coder for each element and for state changes."""
    for element in (*vars(elements).values(), StateChange):
        if dataclasses.is_dataclass(element) and isinstance(element, type):
            register_row_coder(element)
