"""What the readings were worth, from people's work."""
