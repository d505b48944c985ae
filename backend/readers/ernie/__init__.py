"""ERNIE 4.5 VL, or any vision model behind an OpenAI-compatible API."""
