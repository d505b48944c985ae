"""The defaults of the settings that limit images; imports nothing, so that commands start at once."""

MAX_IMAGE_BYTES = 100 * 1024**2

MAX_PAGE_PIXELS = 80_000_000
"""A3 at 600 dpi has 69.6 million."""

MAX_DECODING_PIXELS = 100_000_000

MAX_JPEG_SCANS = 50
"""Each is a pass over all pixels; usual progressive files have about ten."""
