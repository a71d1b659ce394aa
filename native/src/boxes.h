/* Windows -> boxes in a picture, and which boxes are the same face. */
#ifndef FACE_BOXES_H
#define FACE_BOXES_H

#include <stdint.h>

/* All edges belong to the box, as in dlib's rectangle. */
struct box {
    long left, top, right, bottom;
};

/* How many levels a picture of that size is scanned on: at least 1. */
int32_t box_levels(int32_t width, int32_t height, int32_t least_width, int32_t least_height, int32_t most);

/* Where the window in that row and column of windows lies on the picture that level 0 is made of. */
struct box box_of_window(int32_t row, int32_t column, int32_t level);

/* The same box on the picture before it was doubled so often. */
struct box box_before_doubling(struct box box, int32_t times);

/* Do the two share more of their union than `most_overlap`, or more of one of them than `most_covered`? */
int boxes_overlap(struct box a, struct box b, double most_overlap, double most_covered);

#endif
