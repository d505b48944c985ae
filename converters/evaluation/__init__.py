"""What a recogniser is worth on pages that people approved: rates, confusions, comparisons."""
