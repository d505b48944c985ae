"""What people approved, as a PaddleOCR dataset."""
