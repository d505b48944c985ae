"""Downloads the images of tasks by their references, with limits on hosts, size and time."""
