/* The shapes of the layers. */
#include "resnet_layers.h"

/* What the blocks of a stage give. With more points there are fewer products, more weights to fetch and larger errors
 * of rounding: with these, encodings of faces are 3e-6 from dlib's at most. At 4 × 4 a core is busy enough with
 * fetching the nine taps, which Winograd's would make sixteen. */
static const struct {
    int side, channels, points;
} STAGE[STAGES] = {{35, 32, 6}, {17, 64, 8}, {8, 128, 4}, {4, 256, 0}, {2, 256, 0}};

static const int STAGE_OF_BLOCK[BLOCKS] = {0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4};

int resnet_side(int stage) { return STAGE[stage].side; }
int resnet_channels(int stage) { return STAGE[stage].channels; }
int resnet_points(int stage) { return STAGE[stage].points; }

static Shape halving(int stage, int is_second) {
    const int channels = STAGE[stage].channels, before = STAGE[stage - 1].side, side = (before - 3) / 2 + 1;
    if (is_second) return (Shape){channels, channels, 1, side, side, STAGE[stage].points};
    return (Shape){STAGE[stage - 1].channels, channels, 2, before, side, 0};
}

Shape resnet_shape(int convolution) {
    const int block = convolution / 2, stage = STAGE_OF_BLOCK[block];
    if (block && STAGE_OF_BLOCK[block - 1] != stage) return halving(stage, convolution % 2);
    const int channels = STAGE[stage].channels, side = STAGE[stage].side;
    return (Shape){channels, channels, 1, side, side, STAGE[stage].points};
}

int resnet_parts(const Shape *shape, Part parts[MOST_PARTS]) {
    int count = 0;
    for (int row = 0; row < 3; row++) {
        if (shape->stride == 2) parts[count++] = (Part){row, 0, 3};
        for (int column = 0; column < 3 && shape->stride == 1; column++) {
            const int sees_some = shape->out_side > 1 || (row == 1 && column == 1);
            if (sees_some) parts[count++] = (Part){row, column, 1};
        }
    }
    return count;
}
