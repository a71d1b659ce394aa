"""The job door: images in, database rows out. No dlib here."""
