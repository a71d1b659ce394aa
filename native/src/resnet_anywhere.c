/* The ResNet for every CPU: 128-bit vectors, which the compiler knows on all that matter. */
#include <string.h>

#include "resnet_room.h"

#define FOR_CPU

typedef float Vector __attribute__((vector_size(16)));

enum { LANES = 4 };

static inline Vector load(const float *from) {
    Vector vector;
    memcpy(&vector, from, sizeof vector);
    return vector;
}

static inline void store(float *to, Vector vector) { memcpy(to, &vector, sizeof vector); }

static inline Vector all(float number) { return (Vector){number, number, number, number}; }

#if defined(__aarch64__)

#include <arm_neon.h>

/* Of 32 registers, 6 × 4 hold sums. */
enum { MOST_ROWS = 6 };

static inline Vector larger(Vector a, Vector b) { return vmaxq_f32(a, b); }
static inline Vector fused(Vector a, Vector b, Vector c) { return vfmaq_f32(c, a, b); }

#else

/* Of 16 registers, 3 × 4 hold sums. */
enum { MOST_ROWS = 3 };

static inline Vector larger(Vector a, Vector b) {
    Vector most;
    for (int i = 0; i < LANES; i++) most[i] = a[i] > b[i] ? a[i] : b[i];
    return most;
}

static inline Vector fused(Vector a, Vector b, Vector c) { return a * b + c; }

#endif

#include "resnet_blocks.h"

void resnet_run_anywhere(const Learnt *learnt, const Room *room, const uint8_t *const *chips, size_t count,
                         float *encodings) {
    run(learnt, room, chips, count, encodings);
}
