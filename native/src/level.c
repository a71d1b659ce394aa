/* A level from pixels to hits. */
#include "level.h"

#include "face_native.h"
#include "score.h"

#if defined(__x86_64__)

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

/* Pixels -> features, eight rows of pixels at a time: what was just written is still near when it is needed. */
static void count_features(struct level *level, const struct picture *picture, struct resize *resize) {
    for (int32_t band = 0; band <= level->histogram.rows; band++) {
        const int32_t row = band - 3; /* its cells, and those above and below, are complete after this band */
        if (resize != NULL) resize_rows(resize, least((band + 1) * HOG_CELL, picture->height));
        histogram_band(&level->histogram, picture, band);
        if (row >= 0) features_row(&level->features, &level->histogram, row);
    }
}

static int append_hit(struct level *level, struct hit hit) {
    const size_t used = level->hits * sizeof(struct hit);
    const int code = room_grow(&level->hit_room, used, level->hits + 1, sizeof(struct hit));
    if (code != FACE_OK) return code;
    ((struct hit *)level->hit_room.bytes)[level->hits++] = hit;
    return FACE_OK;
}

/* Compute a window's scores by the sub-detectors that the search has marked it for, and keep those that are enough. */
static int score_window(struct level *level, const struct filters *filters, int32_t row, int32_t column,
                        double least_score) {
    const int32_t tile = column / SEARCH_TILE;
    features_window(&level->window, &level->histogram, row, column);
    for (int32_t index = 0; index < filters->detectors; index++) {
        const struct detector *detector = &filters->detector[index];
        if (!(search_hits(&level->search, index, row, tile) >> column % SEARCH_TILE & 1)) continue;
        const float score = score_of(&level->window, filters, detector, column, level->features.columns);
        if (!(score >= detector->threshold + least_score)) continue;
        const struct hit hit = {score, index, row, column};
        const int code = append_hit(level, hit);
        if (code != FACE_OK) return code;
    }
    return FACE_OK;
}

static int score_row(struct level *level, const struct filters *filters, int32_t row, double least_score) {
    for (int32_t tile = 0; tile < level->search.tiles; tile++) {
        uint32_t hits = 0;
        for (int32_t index = 0; index < filters->detectors; index++) {
            hits |= search_hits(&level->search, index, row, tile);
        }
        for (; hits != 0; hits &= hits - 1) {
            const int32_t column = tile * SEARCH_TILE + __builtin_ctz(hits);
            const int code = score_window(level, filters, row, column, least_score);
            if (code != FACE_OK) return code;
        }
    }
    return FACE_OK;
}

static int score_hits(struct level *level, const struct filters *filters, double least_score) {
    for (int32_t row = 0; row < level->search.rows; row++) {
        const int code = score_row(level, filters, row, least_score);
        if (code != FACE_OK) return code;
    }
    return FACE_OK;
}

int level_scan(struct level *level, const struct picture *picture, struct resize *resize,
               const struct filters *filters, double least_score) {
    int code = histogram_begin(&level->histogram, picture);
    if (code != FACE_OK) return code;
    if (features_count(level->histogram.rows) < 1 || features_count(level->histogram.columns) < 1) {
        if (resize != NULL) resize_rows(resize, picture->height);
        return FACE_OK;
    }
    code = features_begin(&level->features, &level->histogram);
    if (code != FACE_OK) return code;
    count_features(level, picture, resize);
    code = search_windows(&level->search, &level->features, filters, least_score);
    return code == FACE_OK ? score_hits(level, filters, least_score) : code;
}

void level_free(struct level *level) {
    histogram_free(&level->histogram);
    room_free(&level->features.room);
    search_free(&level->search);
    room_free(&level->hit_room);
}

#endif
