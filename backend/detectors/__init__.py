"""Who finds lines: PaddleOCR's text detection."""
