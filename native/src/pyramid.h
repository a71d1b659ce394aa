/* The pictures of the pyramid, one after the other, each made from the one before. */
#ifndef FACE_PYRAMID_H
#define FACE_PYRAMID_H

#include "face_native.h"
#include "picture.h"
#include "resize.h"

/* So many pictures are there at once: one made last, and one that each thread still needs. */
enum { PYRAMID_PICTURES = FACE_MOST_THREADS + 1 };

struct pyramid {
    struct picture pictures[PYRAMID_PICTURES];
    int is_needed[PYRAMID_PICTURES];
    struct resize resize;
    int32_t latest; /* the picture made last */
};

/* Make level 0: the pixels, doubled so often. FACE_OK, FACE_NO_MEMORY, or FACE_BAD_SIZE if there is no pixel or a side
 * gets longer than FACE_LONGEST_SCAN. */
int pyramid_begin(struct pyramid *pyramid, const uint8_t *pixels, int32_t width, int32_t height, ptrdiff_t stride,
                  int32_t doublings);

/* Make the next level: 5 / 6 of the latest in width and height. FACE_OK, FACE_NO_MEMORY, or FACE_BAD_SIZE if nothing is
 * left of it. */
int pyramid_next(struct pyramid *pyramid);

/* A level's rows are not filled at once, so that who scans them can do it on the way, or pyramid_fill(). What fills
 * them, or NULL if nothing is left to be filled. */
struct resize *pyramid_unfilled(struct pyramid *pyramid);

void pyramid_fill(struct pyramid *pyramid);

void pyramid_free(struct pyramid *pyramid);

#endif
