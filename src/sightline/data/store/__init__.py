"""Where decoded pixels lie: decoded once into a cache, or ahead of use."""
