"""Our side of the face API: how doors ask it for encodings."""
