/* The layers of dlib's face recognition ResNet (its dnn_face_recognition_ex.cpp) and how each is worked out.
 *
 * A chip of 150 × 150 pixels of 3 colours -> stem, 71 × 71 of 32 channels -> largest of each 3 × 3 -> blocks -> mean of
 * what is left -> 128 numbers. A block is two convolutions and a way past them (faces/photo/fast/resnet_file.py). There
 * are five stages:
 *
 *     blocks       3           4           3          3          1
 *     channels     32          64          128        256        256
 *     pixels       35 × 35     17 × 17     8 × 8      4 × 4      2 × 2
 *
 * The first block of each stage but the first makes the picture smaller. */
#ifndef RESNET_LAYERS_H
#define RESNET_LAYERS_H

#include <stddef.h>

enum {
    CHIP_SIDE = 150,
    COLOURS_OF_CHIP = 3,
    STEM_TAPS = 7,
    STEM_CHANNELS = 32,
    /* dlib makes 72 × 72; the last row and column are in none of the 3 × 3 that follow. */
    STEM_SIDE = 71,
    BLOCKS = 14,
    CONVOLUTIONS = 2 * BLOCKS,
    STAGES = 5,
    LAST_CHANNELS = 256,
    ENCODING_LENGTH = 128,
    /* Of one input, the weights for 16 outputs lie side by side; then those of the next input … */
    PANEL = 16,
};

/* A convolution of 3 × 3 taps; with stride 1 there are zeros around the picture. */
typedef struct {
    int inputs, outputs;   /* channels */
    int stride;
    int in_side, out_side; /* pixels across and down */
    int points;            /* by Winograd's F(points - 2, 3), both ways; 0: tap by tap */
} Shape;

/* Convolution 0 … CONVOLUTIONS - 1: two for each block. */
Shape resnet_shape(int convolution);

/* Pixels across and down of what the blocks of a stage give, 0 … STAGES - 1; and their channels. */
int resnet_side(int stage);
int resnet_channels(int stage);

/* Points of Winograd's convolutions within a stage. */
int resnet_points(int stage);

/* Taps that are worked out at once: `taps` of them side by side, from `row` and `column` on. */
typedef struct {
    int row, column, taps;
} Part;

enum { MOST_PARTS = 9 };

/* The parts of a convolution that goes tap by tap, but those that see nothing but what is outside; how many. */
int resnet_parts(const Shape *shape, Part parts[MOST_PARTS]);

#endif
