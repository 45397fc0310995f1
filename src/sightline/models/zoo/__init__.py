"""One readable file for each architecture."""
