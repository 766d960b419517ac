"""A model of the requirements of large numbers of feeds, from measured costs: docs/scale.md."""
