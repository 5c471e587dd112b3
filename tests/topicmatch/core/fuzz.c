// Target for libFuzzer: the first byte chooses between a pair and a sequence for a router.

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    if (data[0] & 1) {
        check_router(data + 1, size - 1);
        return 0;
    }
    size_t filter_length = data[1] % (size - 1);
    check_pair(data + 2, filter_length, data + 2 + filter_length, size - 2 - filter_length);
    return 0;
}
