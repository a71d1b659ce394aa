/* The ResNet for x86_64 CPUs with AVX2 and FMA. */
#include "resnet_room.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define FOR_CPU __attribute__((target("avx2,fma")))

typedef float Vector __attribute__((vector_size(32)));

/* Of 16 registers, 6 × 2 hold sums, 2 weights and 1 a pixel. */
enum { LANES = 8, MOST_ROWS = 6 };

FOR_CPU static inline Vector load(const float *from) { return _mm256_loadu_ps(from); }
FOR_CPU static inline void store(float *to, Vector vector) { _mm256_storeu_ps(to, vector); }
FOR_CPU static inline Vector all(float number) { return _mm256_set1_ps(number); }
FOR_CPU static inline Vector larger(Vector a, Vector b) { return _mm256_max_ps(a, b); }
FOR_CPU static inline Vector fused(Vector a, Vector b, Vector c) { return _mm256_fmadd_ps(a, b, c); }

#include "resnet_blocks.h"

FOR_CPU void resnet_run_avx2(const Learnt *learnt, const Room *room, const uint8_t *const *chips, size_t count,
                             float *encodings) {
    run(learnt, room, chips, count, encodings);
}

#endif
