/* Boxes: dlib's image_pyramid.h (`pyramid_down<6>`, `pyramid_down<2>`), fhog.h (`fhog_to_image`),
 * scan_fhog_pyramid.h (`create_fhog_pyramid`, `detect_from_fhog_pyramid`) and box_overlap_testing.h. */
#include "boxes.h"

#include <math.h>

#include "hog.h"

struct corner {
    double x, y;
};

/* A rectangle on the level above: `pyramid_down<6>::point_up`. */
static struct corner enlarged(struct corner corner) {
    const double ratio = 6 / (6 - 1.0);
    const struct corner larger = {corner.x * ratio + 0.3, corner.y * ratio + 0.3};
    return larger;
}

/* On the level below: `pyramid_down<6>::point_down`. */
static struct corner shrunk(struct corner corner) {
    const double ratio = (6 - 1.0) / 6;
    const struct corner smaller = {(corner.x - 0.3) * ratio, (corner.y - 0.3) * ratio};
    return smaller;
}

/* On a picture of half the size: `pyramid_down<2>::point_down`. */
static struct corner halved(struct corner corner) {
    const struct corner half = {corner.x / 2.0 - 1.25, corner.y / 2.0 - 0.75};
    return half;
}

typedef struct corner (*step)(struct corner);

/* Both corners through `times` steps, rounded at the end. */
static struct box moved(struct box box, step step, int32_t times) {
    struct corner first = {(double)box.left, (double)box.top}, last = {(double)box.right, (double)box.bottom};
    for (int32_t i = 0; i < times; i++) {
        first = step(first);
        last = step(last);
    }
    const struct box rounded = {lround(first.x), lround(first.y), lround(last.x), lround(last.y)};
    return rounded;
}

static long width_of(struct box box) { return box.right - box.left + 1; }

static long height_of(struct box box) { return box.bottom - box.top + 1; }

int32_t box_levels(int32_t width, int32_t height, int32_t least_width, int32_t least_height, int32_t most) {
    struct box box = {0, 0, width - 1, height - 1};
    int32_t levels = 0;
    do {
        box = moved(box, shrunk, 1);
        levels++;
    } while (width_of(box) >= least_width && height_of(box) >= least_height && levels < most);
    return levels;
}

/* Cells -> pixels: one pixel and one cell lie around the cells that have features. */
static long pixel_of(long cell) {
    const long pixel = (cell + 1 - HOG_BORDER) * HOG_CELL + 1;
    return pixel >= 0 ? pixel + HOG_CELL / 2 : pixel - HOG_CELL / 2;
}

struct box box_of_window(int32_t row, int32_t column, int32_t level) {
    const struct box pixels = {pixel_of(column), pixel_of(row), pixel_of((long)column + HOG_WINDOW - 1),
                               pixel_of((long)row + HOG_WINDOW - 1)};
    return moved(pixels, enlarged, level);
}

struct box box_before_doubling(struct box box, int32_t times) { return moved(box, halved, times); }

static double area_of(struct box box) {
    if (box.top > box.bottom || box.left > box.right) return 0;
    return (double)(width_of(box) * height_of(box));
}

static long least(long a, long b) { return a < b ? a : b; }

static long most(long a, long b) { return a > b ? a : b; }

int boxes_overlap(struct box a, struct box b, double most_overlap, double most_covered) {
    const struct box inner = {most(a.left, b.left), most(a.top, b.top), least(a.right, b.right),
                              least(a.bottom, b.bottom)};
    const struct box outer = {least(a.left, b.left), least(a.top, b.top), most(a.right, b.right),
                              most(a.bottom, b.bottom)};
    const double shared = area_of(inner);
    if (shared == 0) return 0;
    return shared / area_of(outer) > most_overlap || shared / area_of(a) > most_covered ||
           shared / area_of(b) > most_covered;
}
