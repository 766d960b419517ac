"""The special needs of single runners: Dataflow and Flink."""
