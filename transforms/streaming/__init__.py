"""The stages of a stream: those of a run, with state and timers of their own in place of groups."""
