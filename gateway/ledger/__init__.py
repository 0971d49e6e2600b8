"""What became of every money call? Written before its first byte leaves, and never guessed."""
