"""One image: decoding, colour, what a network sees of it, and convolution by hand."""
