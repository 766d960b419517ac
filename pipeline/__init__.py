"""The graph, the command line and the run's summary."""
