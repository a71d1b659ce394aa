"""The same numbers, faster: each part can be switched off and leaves its work to dlib and Pillow."""
