// Compares topicmatch.c with the oracle.
//
//   compare pairs        all filters and topics over small alphabets, and random bytes
//   compare routers      random sequences of operations
//   compare limits       more filters, levels and text than 16-bit indices can tell apart
//   compare outcomes     reads filters and topics from standard input, and writes what the oracle
//                        says of each pair: + match, - no match, f filter incorrect, t topic
//                        incorrect. For the twin's test. Each text comes with its length in two
//                        bytes, low first; filters first, then an empty text, then topics.

#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    uint8_t bytes[64];
    size_t length;
} text_t;

typedef struct {
    text_t *texts;
    size_t count;
} texts_t;

// All sequences of one to `most` pieces.
static texts_t make_texts(const char *const *pieces, size_t piece_count, size_t most) {
    size_t total = 0;
    size_t power = 1;
    for (size_t i = 0; i < most; i++) {
        power *= piece_count;
        total += power;
    }
    texts_t made = {malloc((total + 1) * sizeof(text_t)), 1};
    made.texts[0].length = 0;
    for (size_t i = 0; made.count <= total; i++) {
        for (size_t piece = 0; piece < piece_count; piece++) {
            text_t *text = &made.texts[made.count++];
            *text = made.texts[i];
            memcpy(text->bytes + text->length, pieces[piece], strlen(pieces[piece]));
            text->length += strlen(pieces[piece]);
        }
    }
    return made;
}

static size_t compare_all(texts_t filters, texts_t topics) {
    for (size_t i = 0; i < filters.count; i++) {
        for (size_t j = 0; j < topics.count; j++) {
            check_pair(filters.texts[i].bytes, filters.texts[i].length, topics.texts[j].bytes,
                       topics.texts[j].length);
        }
    }
    size_t pairs = filters.count * topics.count;
    free(filters.texts);
    free(topics.texts);
    return pairs;
}

static uint32_t random_state = 20240229;

static uint32_t next_random(uint32_t below) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state % below;
}

// Half of the bytes come from those that have a meaning somewhere.
static size_t random_text(uint8_t *text, size_t most) {
    static const uint8_t special[] = {'/',  '/',  '+',  '#',  '$',  'a',  0x00, 0x1f, 0x7f,
                                      0x80, 0xbf, 0xc0, 0xc2, 0xe0, 0xed, 0xa0, 0xef, 0xf4};
    size_t length = next_random((uint32_t)most + 1);
    for (size_t i = 0; i < length; i++) {
        text[i] =
            next_random(2) ? special[next_random(sizeof(special))] : (uint8_t)next_random(256);
    }
    return length;
}

static void compare_pairs(void) {
    static const char *const filter_bytes[] = {"a", "/", "+", "#", "$"};
    static const char *const topic_bytes[] = {"a", "b", "/", "$", "+"};
    size_t pairs = compare_all(make_texts(filter_bytes, 5, 5), make_texts(topic_bytes, 5, 4));
    static const char *const share_pieces[] = {"$share", "/", "a", "+", "#"};
    static const char *const share_topics[] = {"$share", "/", "a"};
    pairs += compare_all(make_texts(share_pieces, 5, 6), make_texts(share_topics, 3, 4));
    static const char *const characters[] = {"\x01",         "\x7f",         "\xc2\x9f",
                                             "\xc2\xa0",     "\xef\xb7\x90", "\xef\xbf\xbe",
                                             "\xed\x9f\xbf", "\xed\xa0\x80", "\xf4\x8f\xbf\xbf"};
    pairs += compare_all(make_texts(characters, 9, 3), make_texts(characters, 9, 3));
    for (size_t i = 0; i < 400000; i++, pairs++) {
        uint8_t filter[40];
        uint8_t topic[40];
        size_t filter_length = random_text(filter, i % 2 ? 40 : 6);
        size_t topic_length = random_text(topic, i % 2 ? 40 : 6);
        if (i % 4 < 2) {
            topic_length = filter_length;
            memcpy(topic, filter, filter_length);
            topic[next_random((uint32_t)filter_length + 1) % 40] = (uint8_t)next_random(256);
        }
        check_pair(filter, filter_length, topic, topic_length);
    }
    printf("%zu pairs, no difference\n", pairs);
}

static void compare_routers(void) {
    static uint8_t script[20000];
    size_t operations = 0;
    for (size_t i = 0; i < 2000; i++) {
        size_t length = next_random(i % 10 == 0 ? sizeof(script) : 400);
        for (size_t j = 0; j < length; j++) {
            script[j] = (uint8_t)next_random(256);
        }
        check_router(script, length);
        operations += length / 6;
    }
    printf("about %zu operations, no difference\n", operations);
}

static void expect(bool condition, const char *what) {
    if (!condition) {
        fprintf(stderr, "not so: %s\n", what);
        exit(1);
    }
}

// Adds filters made from a format with a number until there is no more room; returns how many.
static size_t add_until_full(topicmatch_router_t *router, const char *format) {
    for (size_t i = 0;; i++) {
        char filter[64];
        int length = snprintf(filter, sizeof(filter), format, (unsigned)i);
        uint16_t entry;
        topicmatch_error_t error =
            topicmatch_router_add(router, (uint8_t *)filter, (size_t)length, &entry);
        if (error != TOPICMATCH_OK) {
            expect(error == TOPICMATCH_MEMORY, "a full router says so");
            topicmatch_router_find(router, (uint8_t *)filter, (size_t)length, &entry);
            expect(entry == 0 && router->entries.live == i, "nothing was added to it");
            return i;
        }
    }
}

static size_t count_matches(topicmatch_router_t *router, const char *topic) {
    size_t count;
    topicmatch_router_match(router, (const uint8_t *)topic, strlen(topic), &count);
    for (size_t i = 1; i < count; i++) {
        expect(topicmatch_router_found(router, i - 1) < topicmatch_router_found(router, i),
               "entries come in the order of insertion");
    }
    return count;
}

static void free_router(topicmatch_router_t *router) {
    topicmatch_router_clear(router);
    expect(router->nodes.live == 0 && router->words.live == 0 && router->text_used == 0,
           "a cleared router is empty");
    free(router->nodes.records);
    free(router->words.records);
    free(router->entries.records);
    free(router->text);
}

static void check_limits(void) {
    topicmatch_router_t router;
    topicmatch_router_init(&router, 65535);
    expect(add_until_full(&router, "%u/#") == 32767, "there are 32,767 entries");
    expect(count_matches(&router, "32766/x") == 1, "the last one matches");
    free_router(&router);

    topicmatch_router_init(&router, 65535);
    size_t added = add_until_full(&router, "%u/x/+");
    expect(added == 65534 / 3, "there are 65,534 nodes");
    expect(count_matches(&router, "21843/x/y") == 1, "the last one matches");
    free_router(&router);

    topicmatch_router_init(&router, 65535);
    expect(topicmatch_router_reserve(&router, 21844), "room for 21,844 filters");
    expect(router.nodes.capacity > 3 * 21844, "and for their nodes");
    expect(topicmatch_router_reserve(&router, 32767), "room for 32,767 filters");
    expect(router.nodes.capacity == 65535 && router.words.capacity > 32767,
           "and for the most nodes");
    expect(add_until_full(&router, "%u/#") == 32767, "there are as many");
    free_router(&router);
    topicmatch_router_init(&router, 65535);
    expect(topicmatch_router_reserve(&router, 32767), "room for 32,767 filters at once");
    expect(router.nodes.capacity == 65535, "with the most nodes that there can be");
    free_router(&router);

    static uint8_t text[65535];
    memset(text, 'a', sizeof(text));
    for (size_t i = 1; i < sizeof(text); i += 2) {
        text[i] = '/';
    }
    uint16_t entry;
    size_t count;
    topicmatch_router_init(&router, 65535);
    expect(topicmatch_router_add(&router, text, sizeof(text), &entry) == TOPICMATCH_OK,
           "32,768 levels can be added");
    expect(router.nodes.live == 32768 && router.words.live == 1, "each is a node, all one word");
    topicmatch_router_match(&router, text, sizeof(text), &count);
    expect(count == 1, "and matches");
    text[1] = 'b';
    text[3] = '+';
    expect(topicmatch_router_add(&router, text, sizeof(text), &entry) == TOPICMATCH_WILDCARD,
           "a wildcard inside a level is none");
    // The word "a" is used 32,768 times now; twice as often is more than can be counted.
    memset(text, 'a', sizeof(text));
    for (size_t i = 1; i < sizeof(text); i += 2) {
        text[i] = '/';
    }
    text[0] = '+';
    expect(topicmatch_router_add(&router, text, sizeof(text), &entry) == TOPICMATCH_MEMORY,
           "65,535 nodes are too many");
    expect(router.nodes.live == 32768 && router.entries.live == 1, "nothing was added");
    free_router(&router);
    printf("limits are as they should be\n");
}

static texts_t read_texts(void) {
    texts_t texts = {NULL, 0};
    for (;;) {
        int low = getchar();
        int high = getchar();
        if (high == EOF || low + 256 * high == 0) {
            return texts;
        }
        texts.texts = realloc(texts.texts, (texts.count + 1) * sizeof(text_t));
        text_t *text = &texts.texts[texts.count++];
        text->length = (size_t)(low + 256 * high);
        if (text->length > sizeof(text->bytes) ||
            fread(text->bytes, 1, text->length, stdin) != text->length) {
            fprintf(stderr, "outcomes: a text is too long or cut short\n");
            exit(1);
        }
    }
}

static void write_outcomes(void) {
    texts_t filters = read_texts();
    texts_t topics = read_texts();
    for (size_t i = 0; i < filters.count; i++) {
        const text_t *filter = &filters.texts[i];
        for (size_t j = 0; j < topics.count; j++) {
            const text_t *topic = &topics.texts[j];
            if (oracle_check_filter(filter->bytes, filter->length, true, false)) {
                putchar('f');
            } else if (oracle_check_topic(topic->bytes, topic->length, false)) {
                putchar('t');
            } else {
                bool match =
                    oracle_match(filter->bytes, filter->length, topic->bytes, topic->length, true);
                putchar(match ? '+' : '-');
            }
        }
    }
    free(filters.texts);
    free(topics.texts);
}

int main(int argc, char **argv) {
    const char *task = argc == 2 ? argv[1] : "";
    if (strcmp(task, "pairs") == 0) {
        compare_pairs();
    } else if (strcmp(task, "routers") == 0) {
        compare_routers();
    } else if (strcmp(task, "limits") == 0) {
        check_limits();
    } else if (strcmp(task, "outcomes") == 0) {
        write_outcomes();
    } else {
        fprintf(stderr, "usage: compare pairs|routers|limits|outcomes\n");
        return 2;
    }
    return 0;
}
