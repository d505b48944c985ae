"""Model files, the engines that run them, the thread that owns a model."""
