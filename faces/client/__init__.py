"""The client of the face API: how the worker and the command line ask it for encodings."""
