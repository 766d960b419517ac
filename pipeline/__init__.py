"""The graphs, the batch and streaming runs of them, and the command line."""
