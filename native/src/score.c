/* Scores: dlib/image_transforms/spatial_filtering.h, `float_spatially_filter_image_separable`, for one window.
 *
 * dlib computes eight windows of a row at a time, with three sums for each, and what is left of a row one by one, with
 * one sum: the last bits differ. */
#include "score.h"

enum { DLIB_LANES = 8 };

/* Ten products as dlib's vectors add them up. */
static inline float vector_sum(const float *values, const float *weights) {
    float first = 0, second = 0, third = 0;
    for (int i = 0; i < HOG_WINDOW - 1; i += 3) {
        first += values[i] * weights[i];
        second += values[i + 1] * weights[i + 1];
        third += values[i + 2] * weights[i + 2];
    }
    first += values[HOG_WINDOW - 1] * weights[HOG_WINDOW - 1];
    return first + (second + third);
}

/* The same as its scalar code does. */
static inline float scalar_sum(const float *values, const float *weights) {
    float sum = 0;
    for (int i = 0; i < HOG_WINDOW; i++) sum += values[i] * weights[i];
    return sum;
}

static float vector_score(const float (*rows)[WINDOW_PITCH], const struct filter *filter) {
    float column[HOG_WINDOW];
    for (int row = 0; row < HOG_WINDOW; row++) column[row] = vector_sum(rows[row], filter->row);
    return vector_sum(column, filter->column);
}

static float scalar_score(const float (*rows)[WINDOW_PITCH], const struct filter *filter) {
    float column[HOG_WINDOW];
    for (int row = 0; row < HOG_WINDOW; row++) column[row] = scalar_sum(rows[row], filter->row);
    return scalar_sum(column, filter->column);
}

float score_of(const struct window *window, const struct filters *filters, const struct detector *detector,
               int32_t column, int32_t columns) {
    const int in_vector = column < columns / DLIB_LANES * DLIB_LANES;
    float score = 0;
    for (int32_t i = detector->first; i < detector->end; i++) {
        const struct filter *filter = &filters->filter[i];
        const float (*rows)[WINDOW_PITCH] = window->cells[filter->plane];
        score += in_vector ? vector_score(rows, filter) : scalar_score(rows, filter);
    }
    return score;
}
