"""Networks: images (B, C, H, W) -> logits (B, K). One readable file an architecture; `registry` knows them by name."""
