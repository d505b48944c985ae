"""Trains a recogniser on what people approved, with PaddleOCR's own trainer."""
