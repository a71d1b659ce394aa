"""Gold sets: what people have said of faces, by the photos' contents, in a file: written, filled in, compared."""
