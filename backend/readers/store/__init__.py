"""The store of readings: its tables, its database, and the one thread that tends it."""
