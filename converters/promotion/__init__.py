"""A trained model reads from now on: only when it is better by a stated rule, or when somebody insists."""
