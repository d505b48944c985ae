"""`make run`: a Label Studio and a backend on this machine, with the demo pages."""
