"""Whether what was said of a face is to be believed: links of the fixed threshold, and what a person has confirmed."""
