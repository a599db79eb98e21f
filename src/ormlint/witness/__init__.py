"""What really happened at run time: the recorder, the record it writes, and the confirmation of findings by it."""
