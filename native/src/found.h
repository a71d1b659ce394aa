/* What was found, and the order it comes in. */
#ifndef FACE_FOUND_H
#define FACE_FOUND_H

#include <stddef.h>
#include <stdint.h>

#include "boxes.h"

struct found {
    double score;
    int32_t detector;
    struct box box;
};

/* The best score first. Equal scores come in the order that dlib's wheel leaves them in. */
void found_sort(struct found *found, size_t count);

/* Drop each that overlaps a better one before it; returns how many stay, in order. */
size_t found_thin_out(struct found *found, size_t count, double most_overlap, double most_covered);

#endif
