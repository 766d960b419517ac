"""The stages that differ in a stream: they keep items in Beam state and act by timers."""
