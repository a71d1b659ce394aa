/* Cells -> features: 31 numbers a cell, exactly as dlib's floats, or as bytes for the search. */
#ifndef FACE_FEATURE_H
#define FACE_FEATURE_H

#include "histogram.h"
#include "hog.h"
#include "room.h"

/* A byte is the feature times this, rounded to the nearest. 255 is more than any feature gives: a directed or
 * undirected one is a sum of four values of at most 0.1 (0.2 × the root of a block's energy, times 0.1 / the same), one
 * of texture 2 × 0.2357 times a sum of 18 of them: 0.4 and 0.84852, but for the last bits. */
static const float FEATURE_SCALE = 637;
static const float TEXTURE_SCALE = 300;

enum { FIRST_TEXTURE = HOG_PLANES - HOG_NORMS };

/* The features of all windows as bytes, with HOG_BORDER empty cells before the first column and row, and as many and
 * one more behind the last. Behind a row there is more room, which may be read. */
struct features {
    struct room room;
    int32_t rows, columns; /* of cells that have features, and so of windows */
    ptrdiff_t pitch, plane;
    uint8_t *bytes;
};

/* How many cells of a row or column have features: all but the first and the last. May be below 1: none. */
static inline int32_t features_count(int32_t cells) { return cells - 2; }

/* Make room for the features of a histogram that has some, all borders empty. FACE_OK or FACE_NO_MEMORY. */
int features_begin(struct features *features, const struct histogram *histogram);

/* Fill row `row`, whose cells and those above and below are counted. Needs AVX2. */
void features_row(struct features *features, const struct histogram *histogram, int32_t row);

/* What a window sees, as dlib's floats; a row has room for the vectors that fill it. */
enum { WINDOW_PITCH = 20 };

struct window {
    float cells[HOG_PLANES][HOG_WINDOW][WINDOW_PITCH];
};

/* The window whose upper left cell is `row`, `column`, borders included: 0, 0 is the first window. Needs AVX2. */
void features_window(struct window *window, const struct histogram *histogram, int32_t row, int32_t column);

#endif
