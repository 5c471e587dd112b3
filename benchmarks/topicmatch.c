// Measures matching in C, under valgrind's callgrind:
//
//   topicmatch <stride> < workload
//
// reads a workload (see workloads.py; only every stride-th topic is used) and dumps callgrind's
// counts once for each contender and part, named "contender part".

#include "topicmatch.h"

#include <mosquitto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <valgrind/callgrind.h>

typedef struct {
    const char *text;
    size_t length;
} text_t;

typedef struct {
    text_t *texts;
    size_t count;
} part_t;

static part_t filters;
static topicmatch_router_t router;

void *topicmatch_resize(void *block, size_t old_size, size_t new_size) {
    (void)old_size;
    return realloc(block, new_size);
}

// One part ends with an empty line.
static part_t read_part(char **input, size_t stride) {
    part_t part = {NULL, 0};
    for (size_t i = 0; **input != '\n' && **input != 0; i++) {
        char *end = strchr(*input, '\n');
        *end = 0;
        if (i % stride == 0) {
            part.texts = realloc(part.texts, (part.count + 1) * sizeof(text_t));
            // In a block of its own, as a message's topic is.
            part.texts[part.count++] = (text_t){strdup(*input), (size_t)(end - *input)};
        }
        *input = end + 1;
    }
    *input += **input == '\n';
    return part;
}

static const uint8_t *bytes_of(const text_t *text) {
    return (const uint8_t *)text->text;
}

// The floor of what a microcontroller can do with a topic: look at each byte once.
static size_t use_scalar(const text_t *topic) {
    uint32_t hash = 5381;
    for (size_t i = 0; i < topic->length; i++) {
        hash = hash * 33 ^ (uint8_t)topic->text[i];
        __asm__ volatile("" : "+r"(hash)); // keeps the compiler from using vectors
    }
    return hash;
}

static size_t use_mosquitto(const text_t *topic) {
    size_t count = 0;
    for (size_t i = 0; i < filters.count; i++) {
        bool matches = false;
        mosquitto_topic_matches_sub(filters.texts[i].text, topic->text, &matches);
        count += matches;
    }
    return count;
}

// What Python's match() does: everything is checked each time.
static size_t use_match(const text_t *topic) {
    size_t count = 0;
    for (size_t i = 0; i < filters.count; i++) {
        const uint8_t *filter = bytes_of(&filters.texts[i]);
        size_t length = filters.texts[i].length;
        if (topicmatch_check_filter(filter, length, true, false) == TOPICMATCH_OK &&
            topicmatch_check_topic(bytes_of(topic), topic->length, false) == TOPICMATCH_OK) {
            size_t prefix = topicmatch_share_length(filter, length);
            count +=
                topicmatch_match(filter + prefix, length - prefix, bytes_of(topic), topic->length);
        }
    }
    return count;
}

static size_t use_trusted_match(const text_t *topic) {
    size_t count = 0;
    for (size_t i = 0; i < filters.count; i++) {
        count += topicmatch_match(bytes_of(&filters.texts[i]), filters.texts[i].length,
                                  bytes_of(topic), topic->length);
    }
    return count;
}

static size_t use_router(const text_t *topic) {
    size_t count;
    topicmatch_router_match(&router, bytes_of(topic), topic->length, &count);
    return count;
}

static const struct {
    const char *name;
    size_t (*use)(const text_t *topic);
} contenders[] = {
    {"scalar", use_scalar}, {"mosquitto", use_mosquitto},         {"router", use_router},
    {"match", use_match},   {"trusted match", use_trusted_match},
};

int main(int argc, char **argv) {
    size_t stride = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    if (stride == 0) {
        fprintf(stderr, "usage: topicmatch <stride> < workload\n");
        return 2;
    }
    static char input[1 << 20];
    input[fread(input, 1, sizeof(input) - 1, stdin)] = 0;
    char *rest = input;
    filters = read_part(&rest, 1);
    part_t parts[2];
    parts[0] = read_part(&rest, stride);
    parts[1] = read_part(&rest, stride);

    topicmatch_router_init(&router, 32);
    for (size_t i = 0; i < filters.count; i++) {
        uint16_t entry;
        if (topicmatch_router_add(&router, bytes_of(&filters.texts[i]), filters.texts[i].length,
                                  &entry) != TOPICMATCH_OK) {
            fprintf(stderr, "cannot add %s\n", filters.texts[i].text);
            return 1;
        }
    }
    printf("%zu filters, %u nodes, %u words, %zu bytes\n", filters.count, router.nodes.live,
           router.words.live, topicmatch_router_size(&router));
    for (size_t part = 0; part < 2; part++) {
        size_t expected = 0;
        for (size_t c = 0; c < sizeof(contenders) / sizeof(contenders[0]); c++) {
            size_t count = contenders[c].use(&parts[part].texts[0]); // warms the caches
            count = 0;
            CALLGRIND_TOGGLE_COLLECT;
            for (size_t i = 0; i < parts[part].count; i++) {
                count += contenders[c].use(&parts[part].texts[i]);
            }
            CALLGRIND_TOGGLE_COLLECT;
            char label[64];
            snprintf(label, sizeof(label), "%s %s", contenders[c].name, part ? "miss" : "hit");
            CALLGRIND_DUMP_STATS_AT(label);
            if (c == 1) {
                expected = count;
            } else if (c > 1 && count != expected) {
                fprintf(stderr, "%s: %zu matches instead of %zu\n", label, count, expected);
                return 1;
            }
        }
        printf("%zu topics, %zu matches\n", parts[part].count, expected);
    }
    return 0;
}
