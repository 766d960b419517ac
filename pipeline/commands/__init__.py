"""The commands beside ingest: their flags, their work and what they print."""
