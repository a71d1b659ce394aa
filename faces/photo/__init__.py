"""From a photo's bytes to its pixels, its faces and their encodings. dlib is behind the engine here."""
