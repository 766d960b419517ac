"""The flags of the commands. Nothing here imports a library, so that --help is quick."""
