"""What single runners need beyond Beam: Dataflow and Flink."""
