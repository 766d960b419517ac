"""Entities: correct, label and cluster the names that the model found."""
