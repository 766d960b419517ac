"""Topics: the taxonomy, the tagger and the model beside it."""
