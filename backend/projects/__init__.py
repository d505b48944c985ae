"""What a team lead does with a project: set up, status, re-read, doctor."""
