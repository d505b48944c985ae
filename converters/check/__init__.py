"""What PaddleOCR would do with each row, before it does."""
