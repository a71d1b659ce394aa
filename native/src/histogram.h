/* Votes -> cells: how much gradient each cell of 8 × 8 pixels has in each of 18 directions. */
#ifndef FACE_HISTOGRAM_H
#define FACE_HISTOGRAM_H

#include "gradient.h"
#include "hog.h"
#include "picture.h"
#include "room.h"

/* Columns are counted as dlib's `hist` does: cell c of a row is column c + 1, and one column lies on either side. */
struct histogram {
    struct room bin_room, norm_room, band_room;
    int32_t rows, columns; /* of cells */
    int32_t pitch;         /* floats from a direction, or a row of norms, to the next: at least columns + 2 */
    float *bins;           /* [rows][HOG_ORIENTATIONS][pitch] */
    float *norms;          /* [rows][pitch]: dlib's `norm` */
    float *band;           /* what is being counted: [HOG_ORIENTATIONS][spacing][2] */
    int32_t spacing;
    int32_t blocks; /* of pixels in a row */
    struct interior interior;
    struct votes votes;
};

/* Make room for the cells of a picture of that size, none counted. FACE_OK or FACE_NO_MEMORY. */
int histogram_begin(struct histogram *histogram, const struct picture *picture);

/* Count the pixels from row 8 × band - 4 on, eight rows. Bands come one after the other, from 0 to `rows`; after band
 * b the cells and norms of row b - 1 are complete. Needs AVX2. */
void histogram_band(struct histogram *histogram, const struct picture *picture, int32_t band);

void histogram_free(struct histogram *histogram);

static inline const float *histogram_bins(const struct histogram *histogram, int32_t row, int32_t direction) {
    return histogram->bins + ((ptrdiff_t)row * HOG_ORIENTATIONS + direction) * histogram->pitch;
}

static inline const float *histogram_norms(const struct histogram *histogram, int32_t row) {
    return histogram->norms + (ptrdiff_t)row * histogram->pitch;
}

#endif
