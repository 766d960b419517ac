"""The BigQuery sink: options, tables, load jobs and the merge of a run."""
