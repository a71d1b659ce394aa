/* Making coarse filters, and how far they can be from the exact ones.
 *
 * The search runs every filter over every cell, though only a few dozen windows of a picture come near a threshold.
 * So it works with bytes, and leaves the least filters out; each window that could reach its threshold by dlib's floats
 * is then computed by those (score.c). For that no such window may be missed.
 *
 * Let a window's features be f, 0 <= f <= F with F = 255 / S (feature.h), for each plane, row and column; r and c a
 * filter's weights along the row and down the column, w the sum of all products c × r for a plane. dlib's score is the
 * sum of w × f, but for its own rounding. The search has
 *
 *   q = round(S f)              bytes
 *   t = sum of q × k            along the row; exact, as |t| <= 32767 by the choice of k = round(A r)
 *   b = floor(t / 256) + 128    bytes
 *   d = sum of b × j            down the column; exact, as |d| <= 32767 by the choice of j = round(J c)
 *   s = start + the sum of round(d × g / 2^15) over all filters
 *
 * with g = round(scale × 2^23 / (A S J)). Here b is t / 256 + 127.5, give or take a half, and `start` takes back what
 * the 127.5 add up to. So s / scale is about the sum of v × f with the weights v = j × k × g × S / (2^23 × scale); |s|
 * stays within 16 bits by the choice of `scale`. From the sum of w × f it differs by at most
 *
 *     the larger of what (w - v) F adds up to where it is above 0 and where it is below
 *   + the sum of |v| × 0.5 / S, which is the sum of |v| F × 0.5 / 255, for rounding q
 *   + for each filter, 0.5 × the sum of |j| × g / 2^15 / scale, for rounding b, and 0.5 / scale, for rounding s
 *   + 0.5 / scale, for rounding `start`.
 *
 * dlib's score in float differs from the sum of w × f by at most h times the sum of |c| |r| F, h = n u / (1 - n u) with
 * u = 2^-24, where n counts the roundings that a feature goes through: 11 along the row, 11 down the column, one a
 * filter after that (Higham, Accuracy and Stability of Numerical Algorithms, 3.1). `margin` is all of this together.
 * For dlib's own weights it is 0.9 to 1.1, when a score that counts is one above 3 to 4. */
#include "coarse.h"

#include <math.h>
#include <string.h>

#include "feature.h"

#if defined(__x86_64__)

/* So much may the filters that are left out add to the margin. With more, the search finds more windows that come to
 * nothing than it saves. */
static const double LEAVE_OUT = 0.4;
/* Part of every bound, for what double rounds here. */
static const double SLACK = 1e-6;
/* A byte is off by a half, and by what float rounds in the product before it. */
static const double BYTE_ERROR = 0.5 + 1e-4;
/* The rounding of a float. */
static const double UNIT = 1.0 / (1 << 24);

enum {
    CELLS = HOG_WINDOW * HOG_WINDOW,
    MOST_SHORT = 32767,
    MOST_BYTE = 127,
    BYTE_STEP = 256,           /* of a row's sum, in a byte */
    BYTE_OFFSET_TWICE = 255,   /* twice the mean of what a byte is above its share of that sum */
    FACTOR_ONE = 1 << 15,      /* pmulhrsw: this factor is 1 */
    ROUNDINGS = 22,
    WEIGHT_TRIES = 32,
    SCALE_TRIES = 100,
};

static double feature_scale(int32_t plane) { return plane < FIRST_TEXTURE ? FEATURE_SCALE : TEXTURE_SCALE; }

static double most_feature(int32_t plane) { return UINT8_MAX / feature_scale(plane); }

/* --- What weights can add up to --- */

/* For each plane and cell of a window a weight, times the most that the feature can be. */
struct field {
    double cells[HOG_PLANES * CELLS];
};

/* The sum of what is above zero, and of what is below. */
struct sides {
    double above, below;
};

static struct sides sides_of(const double *values, int32_t count) {
    struct sides sides = {0, 0};
    for (int32_t i = 0; i < count; i++) {
        if (values[i] > 0) sides.above += values[i];
        if (values[i] < 0) sides.below -= values[i];
    }
    return sides;
}

static double larger(struct sides sides) { return fmax(sides.above, sides.below); }

static struct sides sides_of_field(const struct field *field) { return sides_of(field->cells, HOG_PLANES * CELLS); }

/* Add column × row, times `factor`. */
static void add_product(struct field *field, int32_t plane, const double *column, const double *row, double factor) {
    for (int32_t cell = 0; cell < CELLS; cell++) {
        const double product = column[cell / HOG_WINDOW] * row[cell % HOG_WINDOW];
        field->cells[plane * CELLS + cell] += product * factor * most_feature(plane);
    }
}

static void widened(double *values, const float *weights) {
    for (int32_t i = 0; i < HOG_WINDOW; i++) values[i] = weights[i];
}

static void add_filter(struct field *field, const struct filter *filter, double factor) {
    double column[HOG_WINDOW], row[HOG_WINDOW];
    widened(column, filter->column);
    widened(row, filter->row);
    add_product(field, filter->plane, column, row, factor);
}

/* The sum of |c| |r| F: columns and rows can be summed on their own. */
static double magnitude_of(const struct filter *filter) {
    double columns = 0, rows = 0;
    for (int32_t i = 0; i < HOG_WINDOW; i++) {
        columns += fabsf(filter->column[i]);
        rows += fabsf(filter->row[i]);
    }
    return columns * rows * most_feature(filter->plane);
}

/* --- Leaving out --- */

/* Mark the least filters while together they cannot matter more than LEAVE_OUT. */
static void leave_out(unsigned char *is_out, const struct filter *filter, int32_t count) {
    struct field out;
    memset(&out, 0, sizeof(out));
    memset(is_out, 0, (size_t)count);
    for (;;) {
        int32_t least = -1;
        for (int32_t i = 0; i < count; i++) {
            if (!is_out[i] && (least < 0 || magnitude_of(&filter[i]) < magnitude_of(&filter[least]))) least = i;
        }
        if (least < 0) return;
        add_filter(&out, &filter[least], 1);
        if (larger(sides_of_field(&out)) > LEAVE_OUT) return;
        is_out[least] = 1;
    }
}

/* --- Rounding --- */

/* Ten bytes; divided by `scale` they are nearly the exact weights. */
struct byte_weights {
    double weights[HOG_WINDOW], scale;
};

/* Round weights times `scale`. Returns how far off they are then, or -1 if a sum of bytes could leave 16 bits. */
static double round_weights(struct byte_weights *rounded, const double *weights, double scale) {
    double most = 0, off = 0;
    for (int32_t i = 0; i < HOG_WINDOW; i++) {
        rounded->weights[i] = round(weights[i] * scale);
        most = fmax(most, fabs(rounded->weights[i]));
        off += fabs(rounded->weights[i] / scale - weights[i]);
    }
    rounded->scale = scale;
    return most <= MOST_BYTE && larger(sides_of(rounded->weights, HOG_WINDOW)) * UINT8_MAX <= MOST_SHORT ? off : -1;
}

/* The best of some scales from the largest that fits down. */
static struct byte_weights bytes_of(const float *weights) {
    struct byte_weights best = {{0}, 1}, next;
    double values[HOG_WINDOW], least = HUGE_VAL;
    widened(values, weights);
    const double side = larger(sides_of(values, HOG_WINDOW));
    for (int32_t try = 0; try < WEIGHT_TRIES && side > 0; try++) {
        const double most = (double)MOST_SHORT / UINT8_MAX / side;
        const double off = round_weights(&next, values, most * (1 - try * (0.25 / WEIGHT_TRIES)));
        if (off >= 0 && off < least) {
            least = off;
            best = next;
        }
    }
    return best;
}

static uint32_t twice(uint32_t bits) { return bits << 16 | bits; }

static uint32_t pair_of(double first, double second) {
    return twice((uint8_t)(int8_t)first | (uint32_t)(uint8_t)(int8_t)second << 8);
}

static void write_weights(struct coarse_filter *coarse, const double *row, const double *column) {
    for (int32_t i = 0; i < HOG_WINDOW; i += 2) {
        coarse->row[i / 2] = pair_of(row[i], row[i + 1]);
        coarse->column[i / 2] = pair_of(column[i], column[i + 1]);
        coarse->odd_column[i / 2] = pair_of(i == 0 ? 0 : column[i - 1], column[i]);
    }
    coarse->odd_column[HOG_WINDOW / 2] = pair_of(column[HOG_WINDOW - 1], 0);
}

/* What a sub-detector's coarse filters are together. */
struct rounded {
    struct field field; /* v F */
    double offset;      /* what `start` takes back */
    double error;       /* of b and s, in sums */
    int32_t count;
};

/* Make one filter coarse and add what it is. Returns 0 if its factor leaves 16 bits. */
static int round_filter(struct coarse_filter *coarse, struct rounded *rounded, const struct filter *filter,
                        double scale) {
    const struct byte_weights row = bytes_of(filter->row), column = bytes_of(filter->column);
    const double unit = row.scale * column.scale * feature_scale(filter->plane) / ((double)FACTOR_ONE * BYTE_STEP);
    const double factor = round(scale / unit);
    if (!(factor <= MOST_SHORT)) return 0;
    const struct sides sides = sides_of(column.weights, HOG_WINDOW);
    rounded->offset += BYTE_OFFSET_TWICE / 2.0 * (sides.above - sides.below) * factor / FACTOR_ONE;
    rounded->error += 0.5 * (sides.above + sides.below) * factor / FACTOR_ONE + 0.5;
    rounded->count++;
    add_product(&rounded->field, filter->plane, column.weights, row.weights,
                factor * unit / scale / (row.scale * column.scale));
    write_weights(coarse, row.weights, column.weights);
    coarse->factor = twice((uint32_t)factor);
    coarse->plane = filter->plane;
    return 1;
}

/* Round all that are not left out. Returns 0 if one does not fit. */
static int round_filters(struct coarse_filter *coarse, struct rounded *rounded, const struct filter *filter,
                         const unsigned char *is_out, int32_t count, double scale) {
    memset(rounded, 0, sizeof(*rounded));
    rounded->error = 0.5; /* of `start` */
    for (int32_t i = 0; i < count; i++) {
        if (!is_out[i] && !round_filter(&coarse[rounded->count], rounded, &filter[i], scale)) return 0;
    }
    return 1;
}

/* --- Bounds --- */

static double margin_of(const struct field *exact, const struct rounded *rounded, double scale,
                        const struct filter *filter, int32_t count) {
    struct field difference;
    double magnitude = 0;
    for (int32_t i = 0; i < HOG_PLANES * CELLS; i++) {
        difference.cells[i] = exact->cells[i] - rounded->field.cells[i];
    }
    for (int32_t i = 0; i < count; i++) magnitude += magnitude_of(&filter[i]);
    const struct sides sides = sides_of_field(&rounded->field);
    const double roundings = (ROUNDINGS + count) * UNIT;
    const double margin = larger(sides_of_field(&difference)) + (sides.above + sides.below) * BYTE_ERROR / UINT8_MAX +
                          rounded->error / scale + roundings / (1 - roundings) * magnitude;
    return margin * (1 + SLACK) + SLACK;
}

/* The remainder that 16 bits hold: sums go round, and come out right where the whole fits. */
static int16_t wrapped(double value) { return (int16_t)(uint16_t)(int64_t)value; }

int32_t coarse_make(struct coarse_filter *coarse, struct detector *detector, int32_t index,
                    const struct filter *filter) {
    const int32_t count = detector->end - detector->first;
    unsigned char is_out[MOST_FILTERS];
    struct field exact;
    struct rounded rounded;
    memset(&exact, 0, sizeof(exact));
    for (int32_t i = 0; i < count; i++) add_filter(&exact, &filter[i], 1);
    leave_out(is_out, filter, count);
    /* As much as 16 bits hold if rounding changed nothing; then a little less until they do. */
    double scale = MOST_SHORT / fmax(larger(sides_of_field(&exact)), 1);
    for (int32_t try = 0; try < SCALE_TRIES; try++, scale *= 0.99) {
        if (!round_filters(coarse, &rounded, filter, is_out, count, scale)) return -1;
        const double most = larger(sides_of_field(&rounded.field)) * scale * (1 + SLACK) + rounded.error + 1;
        if (most > MOST_SHORT) continue;
        for (int32_t i = 0; i < rounded.count; i++) coarse[i].detector = index;
        detector->scale = scale;
        detector->margin = margin_of(&exact, &rounded, scale, filter, count);
        detector->start = wrapped(-round(rounded.offset));
        return rounded.count;
    }
    return -1;
}

#endif
