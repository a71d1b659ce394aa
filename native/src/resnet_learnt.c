/* Lays what the network has learnt out in the order in which it is used, and as Winograd's convolutions need it. */
#define _DEFAULT_SOURCE /* madvise */
#include "resnet_learnt.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "face_native.h"

enum { TAPS = 3, FILTER = TAPS * TAPS, STEM_HALF = (STEM_TAPS + 1) / 2 };
enum { STEM_NUMBERS = STEM_CHANNELS * COLOURS_OF_CHIP * STEM_TAPS * STEM_TAPS };
enum { STEM_WEIGHTS = STEM_POINTS * STEM_TAPS * STEM_LENGTH * STEM_CHANNELS };

/* dlib divides pixels by this after taking off their means (input_rgb_image_sized). */
static const double PIXEL_SCALE = 256;

/* Winograd's convolutions multiply polynomials by their values at some points (Toom and Cook; Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", 2015). A filter's value is that at `at` times `factor`, at infinity
 * its last tap; what goes with it is in resnet_points.h. */
typedef struct {
    double at, factor;
} Point;

static const Point FOUR_POINTS[4] = {{0, 1}, {1, 1.0 / 2}, {-1, 1.0 / 2}, {INFINITY, 1}};
static const Point SIX_POINTS[6] = {
    {0, 1.0 / 4}, {1, -1.0 / 6}, {-1, -1.0 / 6}, {2, 1.0 / 24}, {-2, 1.0 / 24}, {INFINITY, 1},
};
static const Point EIGHT_POINTS[8] = {
    {0, 1},          {1, -2.0 / 9},     {-1, -2.0 / 9},     {2, 1.0 / 90},
    {-2, 1.0 / 90},  {0.5, 1.0 / 45},   {-0.5, 1.0 / 45},   {INFINITY, 1},
};

static float *copy(float *to, const float *from, size_t count) {
    memcpy(to, from, count * sizeof *to);
    return to + count;
}

static double value(const Point *point, const double *taps, int count) {
    if (isinf(point->at)) return taps[count - 1];
    double sum = taps[count - 1];
    for (int i = count - 2; i >= 0; i--) sum = sum * point->at + taps[i];
    return sum * point->factor;
}

/* Where the weight of an input and an output lies among those of `inputs` inputs. */
static size_t place(size_t inputs, size_t input, size_t output) {
    return (output / PANEL * inputs + input) * PANEL + output % PANEL;
}

/* One filter's values at points × points, which come to lie `apart` from each other. */
static void evaluate(const Point *points, int count, const float filter[FILTER], float *values, size_t apart) {
    double across[TAPS][8];
    for (int y = 0; y < TAPS; y++) {
        const double taps[TAPS] = {filter[TAPS * y], filter[TAPS * y + 1], filter[TAPS * y + 2]};
        for (int i = 0; i < count; i++) across[y][i] = value(&points[i], taps, TAPS);
    }
    for (int j = 0; j < count; j++) {
        for (int i = 0; i < count; i++) {
            const double taps[TAPS] = {across[0][i], across[1][i], across[2][i]};
            values[(size_t)(j * count + i) * apart] = (float)value(&points[j], taps, TAPS);
        }
    }
}

static float *learn_by_winograd(const Shape *shape, const float *filters, float *to) {
    const size_t inputs = (size_t)shape->inputs, outputs = (size_t)shape->outputs;
    const Point *points = shape->points == 4 ? FOUR_POINTS : shape->points == 6 ? SIX_POINTS : EIGHT_POINTS;
    for (size_t output = 0; output < outputs; output++) {
        for (size_t input = 0; input < inputs; input++, filters += FILTER) {
            evaluate(points, shape->points, filters, to + place(inputs, input, output), inputs * outputs);
        }
    }
    return to + (size_t)(shape->points * shape->points) * inputs * outputs;
}

static float *learn_by_taps(const Shape *shape, const float *filters, float *to) {
    const size_t inputs = (size_t)shape->inputs, outputs = (size_t)shape->outputs;
    Part parts[MOST_PARTS];
    const int count = resnet_parts(shape, parts);
    for (int i = 0; i < count; i++) {
        const size_t taps = (size_t)parts[i].taps, first = (size_t)(parts[i].row * TAPS + parts[i].column);
        for (size_t output = 0; output < outputs; output++) {
            for (size_t input = 0; input < inputs; input++) {
                const float *filter = filters + (output * inputs + input) * FILTER + first;
                for (size_t tap = 0; tap < taps; tap++) {
                    to[place(taps * inputs, tap * inputs + input, output)] = filter[tap];
                }
            }
        }
        to += taps * inputs * outputs;
    }
    return to;
}

static size_t weights_of(const Shape *shape) {
    Part parts[MOST_PARTS];
    const int taps = resnet_parts(shape, parts) * parts[0].taps;
    const int products = shape->points ? shape->points * shape->points : taps;
    return (size_t)products * (size_t)shape->inputs * (size_t)shape->outputs;
}

/* A row of the stem's taps, [column] -> its two halves' values. */
static void learn_stem_row(const float taps[STEM_TAPS], size_t row, size_t colour, size_t output, float *weights) {
    const size_t length = STEM_TAPS * STEM_LENGTH;
    double halves[2][STEM_HALF] = {{0}};
    for (size_t i = 0; i < STEM_TAPS; i++) halves[i % 2][i / 2] = taps[i] / PIXEL_SCALE;
    for (size_t half = 0; half < 2; half++) {
        const size_t input = row * STEM_LENGTH + half * COLOURS_OF_CHIP + colour;
        float *values = weights + place(length, input, output);
        for (size_t point = 0; point < STEM_POINTS; point++) {
            values[point * length * STEM_CHANNELS] = (float)value(&SIX_POINTS[point], halves[half], STEM_HALF);
        }
    }
}

static float sum_of(const float *numbers, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += numbers[i] / PIXEL_SCALE;
    return (float)sum;
}

static float *learn_stem(Learnt *learnt, const float *numbers, float *to) {
    float *sums = to + STEM_WEIGHTS, *bias = sums + COLOURS_OF_CHIP * STEM_CHANNELS;
    learnt->stem = to;
    learnt->stem_sums = sums;
    learnt->stem_bias = bias;
    for (size_t output = 0; output < STEM_CHANNELS; output++) {
        for (size_t colour = 0; colour < COLOURS_OF_CHIP; colour++, numbers += STEM_TAPS * STEM_TAPS) {
            sums[colour * STEM_CHANNELS + output] = sum_of(numbers, STEM_TAPS * STEM_TAPS);
            for (size_t row = 0; row < STEM_TAPS; row++) {
                learn_stem_row(numbers + row * STEM_TAPS, row, colour, output, to);
            }
        }
    }
    return copy(bias, numbers, STEM_CHANNELS);
}

static void learn_output(const float *numbers, float *to) {
    for (size_t input = 0; input < LAST_CHANNELS; input++) {
        for (size_t output = 0; output < ENCODING_LENGTH; output++) {
            to[place(LAST_CHANNELS, input, output)] = *numbers++;
        }
    }
}

/* Large pages, if the system has some: with small ones looking up addresses costs a quarter of the time of a face. */
static float *numbers_make(size_t count) {
    enum { LARGE_PAGE = 2 << 20 };
    const size_t bytes = (count * sizeof(float) + LARGE_PAGE - 1) / LARGE_PAGE * LARGE_PAGE;
    float *memory = aligned_alloc(LARGE_PAGE, bytes);
#ifdef MADV_HUGEPAGE
    if (memory) (void)madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    return memory;
}

size_t resnet_numbers(void) {
    size_t count = COLOURS_OF_CHIP + STEM_NUMBERS + STEM_CHANNELS + LAST_CHANNELS * ENCODING_LENGTH;
    for (int i = 0; i < CONVOLUTIONS; i++) {
        const Shape shape = resnet_shape(i);
        count += (size_t)shape.outputs * ((size_t)shape.inputs * FILTER + 1);
    }
    return count;
}

static size_t learnt_numbers(void) {
    size_t count = STEM_WEIGHTS + (COLOURS_OF_CHIP + 1) * STEM_CHANNELS + LAST_CHANNELS * ENCODING_LENGTH;
    for (int i = 0; i < CONVOLUTIONS; i++) {
        const Shape shape = resnet_shape(i);
        count += weights_of(&shape) + (size_t)shape.outputs;
    }
    return count;
}

int resnet_learn(Learnt *learnt, const float *numbers) {
    float *to = learnt->memory = numbers_make(learnt_numbers());
    if (!to) return FACE_NO_MEMORY;
    copy(learnt->means, numbers, COLOURS_OF_CHIP);
    to = learn_stem(learnt, numbers + COLOURS_OF_CHIP, to);
    numbers += COLOURS_OF_CHIP + STEM_NUMBERS + STEM_CHANNELS;
    for (int i = 0; i < CONVOLUTIONS; i++) {
        const Shape shape = resnet_shape(i);
        const size_t outputs = (size_t)shape.outputs;
        learnt->weights[i] = to;
        to = shape.points ? learn_by_winograd(&shape, numbers, to) : learn_by_taps(&shape, numbers, to);
        numbers += outputs * (size_t)shape.inputs * FILTER;
        learnt->biases[i] = to;
        to = copy(to, numbers, outputs);
        numbers += outputs;
    }
    learnt->output = to;
    learn_output(numbers, to);
    return FACE_OK;
}

void resnet_forget(Learnt *learnt) { free(learnt->memory); }
