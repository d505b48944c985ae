"""Whole projects read without Label Studio's request in between: on this machine, or on a cluster."""
