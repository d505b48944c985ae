"""Who reads lines: ERNIE, PaddleOCR, Tesseract, and the store in front of them."""
