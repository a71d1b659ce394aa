"""One queue of photos for all processes, and the engines that take from it."""
