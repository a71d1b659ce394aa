/* face_resnet_make, _run and _free: what was learnt and the memory to work in as one handle. */
#include <stdlib.h>

#include "face_native.h"
#include "resnet_room.h"

struct face_resnet {
    Learnt learnt;
    Room room;
    ResnetRun *run;
};

static ResnetRun *run_of_this_cpu(void) {
#if defined(__x86_64__)
    if (!face_cpu_lacks()) return resnet_run_avx2;
#endif
    return resnet_run_anywhere;
}

int face_resnet_make(const float *numbers, size_t count, struct face_resnet **resnet) {
    if (count != resnet_numbers()) return FACE_BAD_WEIGHTS;
    struct face_resnet *made = calloc(1, sizeof *made);
    if (!made) return FACE_NO_MEMORY;
    made->run = run_of_this_cpu();
    if (resnet_learn(&made->learnt, numbers) != FACE_OK || resnet_room_make(&made->room) != FACE_OK) {
        face_resnet_free(made);
        return FACE_NO_MEMORY;
    }
    *resnet = made;
    return FACE_OK;
}

void face_resnet_run(struct face_resnet *resnet, const uint8_t *const *chips, size_t count, float *encodings) {
    resnet->run(&resnet->learnt, &resnet->room, chips, count, encodings);
}

void face_resnet_free(struct face_resnet *resnet) {
    if (!resnet) return;
    resnet_forget(&resnet->learnt);
    resnet_room_free(&resnet->room);
    free(resnet);
}
