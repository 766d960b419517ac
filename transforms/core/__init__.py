"""The code that all stages share: elements, errors, options, clock, URLs, isolated workers."""
