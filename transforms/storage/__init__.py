"""Access to files on every Beam file system: folders, locks, texts, and the runs of an output."""
