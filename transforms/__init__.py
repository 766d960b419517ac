"""The stages of the graph, one module per stage, and a sub-package per activity."""
