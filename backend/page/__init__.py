"""The nouns (page, line, reading, verdict), geometry, crops, reading order: pure."""
