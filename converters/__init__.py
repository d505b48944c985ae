"""Label Studio to PaddleOCR and back: what people approved, whole and accounted for."""
