"""What every stage shares: elements, errors, options, clock, URLs and isolated workers."""
