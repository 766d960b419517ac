"""The record types, and the schemas that are derived from them. This module imports no Beam."""

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
