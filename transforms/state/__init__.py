"""State: the records that runs keep for later runs, and the files that hold them."""
