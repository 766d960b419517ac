"""A model of what large numbers of feeds need, from measured costs: see docs/scale.md."""
