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
    QuoteKind,
    Record,
    SpeakerKind,
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
    "QuoteKind",
    "Record",
    "SpeakerKind",
    "Story",
    "TopicTag",
    "content_hash",
    "stable_id",
]
