"""Label Studio's API, labeling configs, results to regions and back, percent."""
