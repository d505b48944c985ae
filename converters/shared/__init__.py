"""Progress, templates, Ctrl-C."""
