"""Paddleocr."""
