// Compares topicmatch.c with the oracle; a difference is printed and aborts the program.

#ifndef CHECK_H
#define CHECK_H

#include "oracle.h"

// One filter and one topic, in all forms.
void check_pair(const uint8_t *filter, size_t filter_length, const uint8_t *topic,
                size_t topic_length);

// A sequence of operations on a router, given as any bytes, against a plain list of filters.
// Some allocations fail on the way.
void check_router(const uint8_t *script, size_t length);

#endif // CHECK_H
