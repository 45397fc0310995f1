"""What is wrong with labelled images: found, and said."""
