/* What the network has learnt, in the form in which it is run. */
#ifndef RESNET_LEARNT_H
#define RESNET_LEARNT_H

#include <stddef.h>

#include "resnet_layers.h"

/* The stem, across: with stride 2, its taps of even and of odd columns are two filters of 4 taps (one of them is 0),
 * each for every second pixel; both by Winograd's F(3, 4), whose 6 points are added up together. */
enum { STEM_POINTS = 6, STEM_LENGTH = 2 * COLOURS_OF_CHIP };

/* All pointers go into `memory`; nothing changes it once it is made. */
typedef struct {
    float *memory;
    float means[COLOURS_OF_CHIP]; /* of all pictures, which dlib takes off every pixel */
    const float *stem;            /* [point][panel][tap row][even, odd column][colour][PANEL] */
    const float *stem_sums;       /* [colour][STEM_CHANNELS]: of all taps of a colour */
    const float *stem_bias;       /* [STEM_CHANNELS] */
    /* By Winograd: [point down][point across][panel][input][PANEL]. Tap by tap: [part][panel][tap][input][PANEL]. */
    const float *weights[CONVOLUTIONS];
    const float *biases[CONVOLUTIONS]; /* [output] */
    const float *output;               /* [panel][LAST_CHANNELS][PANEL] */
} Learnt;

/* How many numbers face_resnet_make() is given. */
size_t resnet_numbers(void);

/* Take face_resnet_make()'s numbers. FACE_OK or FACE_NO_MEMORY. */
int resnet_learn(Learnt *learnt, const float *numbers);

void resnet_forget(Learnt *learnt);

#endif
