"""Code for particular runners: Dataflow and Flink."""
