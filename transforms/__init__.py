"""One module a stage: a pure function and a thin Beam transform over it."""
