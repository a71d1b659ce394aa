/* The stem: 7 × 7 taps with stride 2 over the chip, relu, and the largest of each 3 × 3 with stride 2.
 *
 * dlib takes the means of all pictures off a chip. Here the chip's own are taken off, as whole numbers, and what is
 * between the two goes into the bias: in a flat chip the 147 products would be large and cancel out. */
#ifndef RESNET_STEM_H
#define RESNET_STEM_H

#include <string.h>

#include "resnet_points.h"

enum { CHIP_ROW = CHIP_SIDE * COLOURS_OF_CHIP, STEM_VECTORS = (STEM_LENGTH + LANES - 1) / LANES };

/* The chip's mean of each colour, rounded, for every number of a row. */
FOR_CPU static void find_means(const uint8_t *chip, float means[CHIP_ROW]) {
    const uint32_t pixels = CHIP_SIDE * CHIP_SIDE;
    uint32_t sums[CHIP_ROW] = {0};
    for (int y = 0; y < CHIP_SIDE; y++) {
        for (int x = 0; x < CHIP_ROW; x++) sums[x] += chip[y * CHIP_ROW + x];
    }
    for (int x = COLOURS_OF_CHIP; x < CHIP_ROW; x++) sums[x % COLOURS_OF_CHIP] += sums[x];
    for (int x = 0; x < CHIP_ROW; x++) means[x] = (float)((sums[x % COLOURS_OF_CHIP] + pixels / 2) / pixels);
}

/* What a chip that is nothing but its means gives. */
FOR_CPU static void find_bias(const Learnt *learnt, const float means[CHIP_ROW], float bias[STEM_CHANNELS]) {
    for (int channel = 0; channel < STEM_CHANNELS; channel += LANES) {
        Vector sum = load(learnt->stem_bias + channel);
        for (int colour = 0; colour < COLOURS_OF_CHIP; colour++) {
            const Vector of_one = load(learnt->stem_sums + colour * STEM_CHANNELS + channel);
            sum = fused(all(means[colour] - learnt->means[colour]), of_one, sum);
        }
        store(bias + channel, sum);
    }
}

/* A row of the chip -> for each tile the six points of its even and odd columns, [tile][point][even, odd][colour]. */
FOR_CPU static void row_to_points(const uint8_t *chip, const float means[CHIP_ROW], float *tiles) {
    float row[CHIP_ROW + GAP];
    for (int x = 0; x < CHIP_ROW; x++) row[x] = (float)chip[x] - means[x];
    memset(row + CHIP_ROW, 0, GAP * sizeof *row);
    for (int tile = 0; tile < STEM_TILES; tile++) {
        const float *from = row + tile * STEM_OUTPUTS * STEM_LENGTH;
        Vector at[STEM_VECTORS][STEM_POINTS];
        for (int i = 0; i < STEM_VECTORS; i++) {
            Vector in[STEM_POINTS];
            for (int j = 0; j < STEM_POINTS; j++) in[j] = load(from + j * STEM_LENGTH + i * LANES);
            at_six_points(in, at[i]);
        }
        /* In this order each vector's last lanes, which are no colours, are written over by the next one. */
        for (int j = 0; j < STEM_POINTS; j++) {
            for (int i = 0; i < STEM_VECTORS; i++) store(tiles + j * STEM_LENGTH + i * LANES, at[i][j]);
        }
        tiles += STEM_TILE;
    }
}

/* Multiply the points of STEM_TAPS rows: a row of products for each point. */
FOR_CPU static void multiply_stem(const Learnt *learnt, const Rows *rows, const float *tiles, float *products) {
    const Inputs inputs = {STEM_TAPS, STEM_LENGTH, STEM_TILES * STEM_TILE};
    const float *panel = learnt->stem;
    for (int point = 0; point < STEM_POINTS; point++) {
        for (int channel = 0; channel < STEM_CHANNELS; channel += PANEL, panel += STEM_TAPS * STEM_LENGTH * PANEL) {
            multiply(rows, tiles + point * STEM_LENGTH, inputs, panel, NOTHING,
                     products + point * STEM_TILES * STEM_CHANNELS + channel);
        }
    }
}

FOR_CPU static void products_to_line(const float *products, const float bias[STEM_CHANNELS], float *line) {
    for (int tile = 0; tile < STEM_TILES; tile++) {
        for (int channel = 0; channel < STEM_CHANNELS; channel += LANES) {
            Vector at[STEM_POINTS], out[STEM_OUTPUTS];
            for (int point = 0; point < STEM_POINTS; point++) {
                at[point] = load(products + (point * STEM_TILES + tile) * STEM_CHANNELS + channel);
            }
            three_outputs(at, out);
            for (int x = 0; x < STEM_OUTPUTS; x++) {
                store(line + (tile * STEM_OUTPUTS + x) * STEM_CHANNELS + channel, out[x] + load(bias + channel));
            }
        }
    }
}

/* The largest of POOL × POOL, every second one, of the stem's last lines (in any order), or 0. */
FOR_CPU static void pool(const float *lines, float *out) {
    for (int x = 0; x < (STEM_SIDE - POOL) / 2 + 1; x++) {
        for (int channel = 0; channel < STEM_CHANNELS; channel += LANES) {
            Vector largest = all(0);
            for (int i = 0; i < POOL * POOL; i++) {
                const int column = 2 * x + i % POOL;
                largest = larger(largest, load(lines + i / POOL * STEM_LINE + column * STEM_CHANNELS + channel));
            }
            store(out + x * STEM_CHANNELS + channel, largest);
        }
    }
}

FOR_CPU static void stem(const Learnt *learnt, const Room *room, const uint8_t *chip, const Plane *out) {
    float means[CHIP_ROW], bias[STEM_CHANNELS];
    Rows rows = {.count = STEM_TILES};
    for (int i = 0; i < STEM_TILES; i++) {
        rows.in[i] = i * STEM_TILE;
        rows.out[i] = i * STEM_CHANNELS;
    }
    find_means(chip, means);
    find_bias(learnt, means, bias);
    for (int y = 0; y < STEM_ROWS; y++) {
        row_to_points(chip + y * CHIP_ROW, means, room->tiles + y * STEM_TILES * STEM_TILE);
    }
    for (int y = 0; y < STEM_SIDE; y++) {
        multiply_stem(learnt, &rows, room->tiles + 2 * y * STEM_TILES * STEM_TILE, room->products);
        products_to_line(room->products, bias, room->stem_lines + y % POOL * STEM_LINE);
        if (y % 2 == 0 && y >= POOL - 1) {
            pool(room->stem_lines, out->pixels + (ptrdiff_t)(y / 2 - 1) * out->width * out->channels);
        }
    }
}

#endif
