"""What does every call look like? A day at the sandbox, from the first card to the last webhook."""
