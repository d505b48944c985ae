"""One training round: export, check, train, export-model, evaluate, promote, each in a process of its own."""
