"""Engines that read line crops; each module implements `backend.annotate.LineReader`."""
