"""Entities: names found, corrected, labelled and clustered."""
