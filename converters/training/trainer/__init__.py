"""PaddleOCR's trainer: where it comes from, the environment it runs in, and what it is asked."""
