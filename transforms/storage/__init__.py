"""Files and folders of every Beam file system: locks, texts, and the runs of an output folder."""
