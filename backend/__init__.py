"""twinread's ML backend: finds text lines, reads each one twice, answers Label Studio."""

__version__ = "0.1.0"
