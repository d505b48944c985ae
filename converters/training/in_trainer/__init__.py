"""Programs that run inside the trainer's environment, by path; nothing of twinread is there."""
