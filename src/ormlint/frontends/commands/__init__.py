"""The commands of `ormlint`, one module each."""
