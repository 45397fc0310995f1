"""One module for each word that people type after `sightline`."""
