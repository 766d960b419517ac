"""The sample site and its server."""
