"""The HTTP door: photos in, encodings out."""
