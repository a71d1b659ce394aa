/* The sizes of levels: dlib's image_pyramid.h (`pyramid_down<6>`) and interpolation.h (`pyramid_up`). */
#include "pyramid.h"

#include "face_native.h"

#if defined(__x86_64__)

/* A picture that neither is the latest nor needed by a thread. There is one: they are one more than threads. */
static int32_t free_picture(const struct pyramid *pyramid) {
    int32_t index = 0;
    while (index == pyramid->latest || pyramid->is_needed[index]) index++;
    return index;
}

/* Begin to make a picture of that size from the latest. */
static int begin(struct pyramid *pyramid, int32_t width, int32_t height) {
    const int32_t index = free_picture(pyramid);
    int code = picture_shape(&pyramid->pictures[index], width, height);
    if (code != FACE_OK) return code;
    code = resize_begin(&pyramid->resize, &pyramid->pictures[pyramid->latest], &pyramid->pictures[index]);
    if (code != FACE_OK) return code;
    pyramid->latest = index;
    return FACE_OK;
}

static int doubled(struct pyramid *pyramid) {
    pyramid_fill(pyramid);
    const struct picture *latest = &pyramid->pictures[pyramid->latest];
    return begin(pyramid, 2 * latest->width + 2, 2 * latest->height + 1);
}

struct resize *pyramid_unfilled(struct pyramid *pyramid) {
    struct resize *resize = &pyramid->resize;
    return resize->target != NULL && resize->row < resize->target->height ? resize : NULL;
}

void pyramid_fill(struct pyramid *pyramid) {
    struct resize *resize = pyramid_unfilled(pyramid);
    if (resize != NULL) resize_rows(resize, resize->target->height);
}

/* Is a side after so many doublings as long as the scan takes, or shorter? */
static int fits(int64_t side, int32_t doublings) {
    for (; doublings > 0 && side <= FACE_LONGEST_SCAN; doublings--) side = 2 * side + 2;
    return side <= FACE_LONGEST_SCAN;
}

int pyramid_begin(struct pyramid *pyramid, const uint8_t *pixels, int32_t width, int32_t height, ptrdiff_t stride,
                  int32_t doublings) {
    if (width < 1 || height < 1 || doublings < 0) return FACE_BAD_SIZE;
    if (!fits(width, doublings) || !fits(height, doublings)) return FACE_BAD_SIZE;
    for (int32_t index = 0; index < PYRAMID_PICTURES; index++) pyramid->is_needed[index] = 0;
    pyramid->latest = doublings % 2;
    pyramid->resize.target = NULL;
    int code = picture_shape(&pyramid->pictures[pyramid->latest], width, height);
    if (code == FACE_OK) picture_fill(&pyramid->pictures[pyramid->latest], pixels, stride);
    for (; code == FACE_OK && doublings > 0; doublings--) code = doubled(pyramid);
    return code;
}

int pyramid_next(struct pyramid *pyramid) {
    const struct picture *latest = &pyramid->pictures[pyramid->latest];
    const int32_t width = 5 * latest->width / 6, height = 5 * latest->height / 6;
    if (width < 1 || height < 1) return FACE_BAD_SIZE;
    return begin(pyramid, width, height);
}

void pyramid_free(struct pyramid *pyramid) {
    for (int32_t index = 0; index < PYRAMID_PICTURES; index++) room_free(&pyramid->pictures[index].room);
    room_free(&pyramid->resize.room);
}

#endif
