"""Where records go: one module a format, and the commit that makes a run visible whole."""
