"""Speed, memory and quality, measured by commands of the repository."""
