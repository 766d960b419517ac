"""Commands that measure speed, memory and quality."""
