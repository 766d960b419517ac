"""Typed records, and every schema that is derived from them. Imports no Beam."""

from schemas.ids import content_hash, stable_id
from schemas.records import (
    RECORDS,
    SCHEMA_VERSION,
    Article,
    DeadLetter,
    Entity,
    Evidence,
    FeedHealth,
    Mention,
    Quote,
    Record,
    Story,
    TopicTag,
)

__all__ = [
    "RECORDS",
    "SCHEMA_VERSION",
    "Article",
    "DeadLetter",
    "Entity",
    "Evidence",
    "FeedHealth",
    "Mention",
    "Quote",
    "Record",
    "Story",
    "TopicTag",
    "content_hash",
    "stable_id",
]
