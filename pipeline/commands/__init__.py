"""The commands: their flags, their work and their output."""
