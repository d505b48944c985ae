"""Review by the line: doubtful lines on sheets of a line project, and what people decided there."""
