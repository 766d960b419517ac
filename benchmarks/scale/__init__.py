"""What numbers of feeds need, from what is measured here: see docs/scale.md."""
