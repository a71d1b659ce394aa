/* Memory that is kept from one scan to the next: grown when more is needed, never shrunk but freed. */
#ifndef FACE_ROOM_H
#define FACE_ROOM_H

#include <stddef.h>

/* Where rooms begin, and what may be read behind their end: a vector that begins at the last byte. */
enum { ROOM_ALIGNMENT = 64, ROOM_SLACK = 64 };

struct room {
    void *bytes; /* NULL while nothing was asked for */
    size_t size;
};

/* At least `count` × `each` bytes; what was in it may be lost. FACE_OK or FACE_NO_MEMORY. */
int room_for(struct room *room, size_t count, size_t each);

/* The same, keeping the first `used` bytes; grows by doubling. */
int room_grow(struct room *room, size_t used, size_t count, size_t each);

void room_free(struct room *room);

#endif
