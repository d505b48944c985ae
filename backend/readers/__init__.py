"""Engines that read line crops; each module implements `backend.pipeline.annotate.LineReader`."""
