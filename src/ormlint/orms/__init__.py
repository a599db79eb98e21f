"""What the libraries mean, as data. `registry` holds the lookups, `vocabulary` the words; the other modules one library each."""
