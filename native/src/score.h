/* dlib's score of a window, to the last bit. */
#ifndef FACE_SCORE_H
#define FACE_SCORE_H

#include "feature.h"
#include "filters.h"

/* The window in column `column` of `columns` windows, by the filters of one sub-detector. */
float score_of(const struct window *window, const struct filters *filters, const struct detector *detector,
               int32_t column, int32_t columns);

#endif
