"""Text analysis: quotes, entities and topics. Imports no Beam."""
