/* Rows of pixels times weights: nine tenths of all the work.
 *
 * This header and those that include it are the network's code for one kind of CPU: resnet_avx2.c and resnet_anywhere.c
 * each define, and then include it,
 *
 *     FOR_CPU              the attribute that lets a function use the CPU's instructions
 *     Vector, LANES        LANES floats, with + - * of the compiler
 *     load, store, all     from and to any address; one number in all lanes
 *     larger, fused        of each lane; a · b + c, rounded once where the CPU can
 *     MOST_ROWS            rows whose sums fit into the registers, 6 at most
 *
 * Every lane goes its own way, so that the width of a vector changes no number, nor does what else is worked on. */
#ifndef RESNET_MULTIPLY_H
#define RESNET_MULTIPLY_H

#include "resnet_room.h"

/* Copied to where it is called, and unrolled for the constants given there. */
#define FOR_CPU_UNROLLED FOR_CPU static inline __attribute__((always_inline))

enum { PANEL_VECTORS = PANEL / LANES, MOST_UNROLLED = 6 };

/* The most rows that are listed at once: all pixels of 17 × 17 of a face, or of 8 × 8 of the faces of a run. */
enum { MOST_LISTED = TOGETHER * 8 * 8 };
_Static_assert(MOST_LISTED >= 17 * 17, "a list of rows has room for every layer");

/* Where rows of inputs begin and where their outputs go, in numbers from some address on. */
typedef struct {
    int count;
    ptrdiff_t in[MOST_LISTED], out[MOST_LISTED];
} Rows;

/* Inputs of a row: `pieces` of `length` numbers, each beginning `apart` after the one before it. */
typedef struct {
    int pieces, length;
    ptrdiff_t apart;
} Inputs;

/* What sums begin with, if not with what is there already. */
static const float NOTHING[PANEL];

/* `rows` rows times one panel. While it is read, the panel behind it is fetched: half of all time would be waiting for
 * weights. (Behind the last one there is nothing to fetch, and asking for it does no harm.) */
FOR_CPU_UNROLLED void multiply_rows(const int rows, const ptrdiff_t *from, const ptrdiff_t *to, const float *in,
                                    Inputs inputs, const float *panel, const float *start, float *out) {
    Vector sums[MOST_UNROLLED][PANEL_VECTORS];
    const float *row[MOST_UNROLLED];
    const size_t ahead = (size_t)(inputs.pieces * inputs.length) * PANEL;
    for (int i = 0; i < rows; i++) {
        row[i] = in + from[i];
        for (int j = 0; j < PANEL_VECTORS; j++) sums[i][j] = load((start ? start : out + to[i]) + j * LANES);
    }
    for (int piece = 0; piece < inputs.pieces; piece++) {
        const ptrdiff_t begin = piece * inputs.apart, end = begin + inputs.length;
        for (ptrdiff_t at = begin; at < end; at++, panel += PANEL) {
            Vector weights[PANEL_VECTORS];
            __builtin_prefetch(panel + ahead, 0, 2);
            for (int j = 0; j < PANEL_VECTORS; j++) weights[j] = load(panel + j * LANES);
            for (int i = 0; i < rows; i++) {
                const Vector input = all(row[i][at]);
                for (int j = 0; j < PANEL_VECTORS; j++) sums[i][j] = fused(input, weights[j], sums[i][j]);
            }
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < PANEL_VECTORS; j++) store(out + to[i] + j * LANES, sums[i][j]);
    }
}

/* Add to the outputs of each row, or set them where there is a `start`: inputs · weights, for PANEL outputs. */
FOR_CPU static void multiply(const Rows *rows, const float *in, Inputs inputs, const float *panel, const float *start,
                             float *out) {
    for (int first = 0, some; first < rows->count; first += some) {
        const int left = rows->count - first, rounds = (left + MOST_ROWS - 1) / MOST_ROWS;
        const ptrdiff_t *from = rows->in + first, *to = rows->out + first;
        some = (left + rounds - 1) / rounds;
        switch (some) {
            case 1: multiply_rows(1, from, to, in, inputs, panel, start, out); break;
            case 2: multiply_rows(2, from, to, in, inputs, panel, start, out); break;
            case 3: multiply_rows(3, from, to, in, inputs, panel, start, out); break;
            case 4: multiply_rows(4, from, to, in, inputs, panel, start, out); break;
            case 5: multiply_rows(5, from, to, in, inputs, panel, start, out); break;
            default: multiply_rows(6, from, to, in, inputs, panel, start, out); break;
        }
    }
}

#endif
