"""Whole pages or line crops, read with one model: texts, PaddleOCR's JSON, and a picture to look at."""
