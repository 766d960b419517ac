"""Sinks: record files, the atomic commit of a run, and the databases that runs are loaded into."""
