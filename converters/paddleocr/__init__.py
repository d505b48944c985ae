"""PaddleOCR's label files, dictionaries and training rules."""
