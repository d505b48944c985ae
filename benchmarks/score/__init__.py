"""How the weights of `Judgement.score` are fitted, and what they are worth: figures, tables and plots."""
