-- The tables as version 2 of the records had them. A test migrates them: never change this file.
CREATE TABLE "schema_versions" (
  "version" integer PRIMARY KEY,
  "applied_at" timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE "loaded_runs" (
  "run_id" text PRIMARY KEY,
  "started_at" timestamptz NOT NULL,
  "loaded_at" timestamptz NOT NULL DEFAULT now(),
  "rows" jsonb NOT NULL DEFAULT '{}'
);
CREATE TABLE IF NOT EXISTS "articles" (
  "article_id" text NOT NULL,
  "run_id" text NOT NULL,
  "day" date NOT NULL,
  "url" text NOT NULL,
  "canonical_url" text NOT NULL,
  "lineage_id" text NOT NULL,
  "version" bigint NOT NULL,
  "feed_url" text NOT NULL,
  "feed_title" text,
  "entry_id" text NOT NULL,
  "title" text NOT NULL,
  "authors" text[] NOT NULL,
  "published_at" timestamptz,
  "date_source" text NOT NULL,
  "fetched_at" timestamptz NOT NULL,
  "language" text,
  "site_name" text,
  "text" text NOT NULL,
  "text_hash" text NOT NULL,
  "html_hash" text,
  "word_count" bigint NOT NULL,
  "extraction_method" text NOT NULL,
  "truncated_or_paywalled" boolean NOT NULL,
  "noindex" boolean NOT NULL,
  "tdm_reserved" boolean NOT NULL,
  "story_id" text NOT NULL,
  "schema_version" bigint NOT NULL,
  PRIMARY KEY ("article_id")
);
CREATE TABLE IF NOT EXISTS "entities" (
  "entity_id" text NOT NULL,
  "article_id" text NOT NULL,
  "run_id" text NOT NULL,
  "day" date NOT NULL,
  "name" text NOT NULL,
  "label" text NOT NULL,
  "wikidata_id" text,
  "mentions" jsonb NOT NULL,
  "count" bigint NOT NULL,
  "first_start" bigint NOT NULL,
  "schema_version" bigint NOT NULL,
  PRIMARY KEY ("entity_id")
);
CREATE TABLE IF NOT EXISTS "quotes" (
  "quote_id" text NOT NULL,
  "article_id" text NOT NULL,
  "run_id" text NOT NULL,
  "day" date NOT NULL,
  "start" bigint NOT NULL,
  "end" bigint NOT NULL,
  "text" text NOT NULL,
  "kind" text NOT NULL,
  "cue" text,
  "cue_start" bigint,
  "cue_end" bigint,
  "speaker" text,
  "speaker_start" bigint,
  "speaker_end" bigint,
  "speaker_kind" text NOT NULL,
  "speaker_name" text,
  "speaker_role" text,
  "via" text,
  "method" text NOT NULL,
  "confidence" double precision NOT NULL,
  "topics" text[] NOT NULL,
  "schema_version" bigint NOT NULL,
  PRIMARY KEY ("quote_id")
);
CREATE TABLE IF NOT EXISTS "topics" (
  "tag_id" text NOT NULL,
  "article_id" text NOT NULL,
  "quote_id" text,
  "run_id" text NOT NULL,
  "day" date NOT NULL,
  "topic_id" text NOT NULL,
  "label" text NOT NULL,
  "iptc_codes" text[] NOT NULL,
  "score" double precision NOT NULL,
  "evidence" jsonb NOT NULL,
  "title_evidence" jsonb NOT NULL,
  "taxonomy_version" text NOT NULL,
  "schema_version" bigint NOT NULL,
  PRIMARY KEY ("tag_id")
);
CREATE TABLE IF NOT EXISTS "stories" (
  "story_id" text NOT NULL,
  "run_id" text NOT NULL,
  "day" date NOT NULL,
  "members" text[] NOT NULL,
  "first_seen_article" text NOT NULL,
  "outlets" text[] NOT NULL,
  "schema_version" bigint NOT NULL,
  PRIMARY KEY ("story_id")
);
CREATE TABLE IF NOT EXISTS "dead_letters" (
  "dead_letter_id" text NOT NULL,
  "run_id" text NOT NULL,
  "day" date NOT NULL,
  "stage" text NOT NULL,
  "source" text NOT NULL,
  "error_type" text NOT NULL,
  "message" text NOT NULL,
  "attempts" bigint NOT NULL,
  "first_seen_at" timestamptz NOT NULL,
  "payload_reference" text,
  "schema_version" bigint NOT NULL,
  PRIMARY KEY ("dead_letter_id")
);
CREATE TABLE IF NOT EXISTS "feed_health" (
  "feed_health_id" text NOT NULL,
  "run_id" text NOT NULL,
  "day" date NOT NULL,
  "feed_url" text NOT NULL,
  "status" text NOT NULL,
  "http_status" bigint,
  "entries_seen" bigint NOT NULL,
  "entries_new" bigint NOT NULL,
  "entries_failed" bigint NOT NULL,
  "not_modified" boolean NOT NULL,
  "bytes" bigint NOT NULL,
  "duration" double precision NOT NULL,
  "failure_class" text,
  "consecutive_failures" bigint NOT NULL,
  "next_due" timestamptz,
  "schema_version" bigint NOT NULL,
  PRIMARY KEY ("feed_health_id")
);
CREATE INDEX IF NOT EXISTS "articles_day" ON "articles" USING btree (day);
CREATE INDEX IF NOT EXISTS "articles_lineage_id" ON "articles" USING btree (lineage_id);
CREATE INDEX IF NOT EXISTS "articles_story_id" ON "articles" USING btree (story_id);
CREATE INDEX IF NOT EXISTS "articles_canonical_url" ON "articles" USING spgist (canonical_url);
CREATE INDEX IF NOT EXISTS "entities_article_id" ON "entities" USING btree (article_id);
CREATE INDEX IF NOT EXISTS "entities_name" ON "entities" USING spgist (name);
CREATE INDEX IF NOT EXISTS "entities_wikidata_id" ON "entities" USING spgist (wikidata_id);
CREATE INDEX IF NOT EXISTS "quotes_article_id" ON "quotes" USING btree (article_id);
CREATE INDEX IF NOT EXISTS "quotes_day" ON "quotes" USING btree (day);
CREATE INDEX IF NOT EXISTS "quotes_speaker_name" ON "quotes" USING spgist (speaker_name);
CREATE INDEX IF NOT EXISTS "quotes_topics" ON "quotes" USING gin (topics);
CREATE INDEX IF NOT EXISTS "topics_article_id" ON "topics" USING btree (article_id);
CREATE INDEX IF NOT EXISTS "topics_quote_id" ON "topics" USING btree (quote_id);
CREATE INDEX IF NOT EXISTS "topics_topic_id_day" ON "topics" USING btree (topic_id, day);
CREATE INDEX IF NOT EXISTS "stories_day" ON "stories" USING btree (day);
CREATE INDEX IF NOT EXISTS "dead_letters_day" ON "dead_letters" USING btree (day);
CREATE INDEX IF NOT EXISTS "feed_health_feed_url" ON "feed_health" USING spgist (feed_url);
CREATE INDEX IF NOT EXISTS "feed_health_day" ON "feed_health" USING btree (day);
INSERT INTO "schema_versions" ("version") VALUES (2);
