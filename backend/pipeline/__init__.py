"""Tasks in, predictions out, before the deadline; composes everything below."""
