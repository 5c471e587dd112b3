#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(const char *what, const uint8_t *filter, size_t filter_length,
                 const uint8_t *topic, size_t topic_length) {
    fprintf(stderr, "different: %s\nfilter:", what);
    for (size_t i = 0; i < filter_length; i++) {
        fprintf(stderr, " %02x", filter[i]);
    }
    fprintf(stderr, "\ntopic:");
    for (size_t i = 0; i < topic_length; i++) {
        fprintf(stderr, " %02x", topic[i]);
    }
    fprintf(stderr, "\n");
    abort();
}

void check_pair(const uint8_t *filter, size_t filter_length, const uint8_t *topic,
                size_t topic_length) {
    for (int strict = 0; strict < 2; strict++) {
        topicmatch_error_t expected = oracle_check_topic(topic, topic_length, strict);
        if (topicmatch_check_topic(topic, topic_length, strict) != expected) {
            fail(strict ? "check_topic, strict" : "check_topic", NULL, 0, topic, topic_length);
        }
        for (int shared = 0; shared < 2; shared++) {
            expected = oracle_check_filter(filter, filter_length, shared, strict);
            if (topicmatch_check_filter(filter, filter_length, shared, strict) != expected) {
                fail(shared ? "check_filter, shared" : "check_filter", filter, filter_length, NULL,
                     0);
            }
        }
    }
    if (oracle_check_topic(topic, topic_length, false) != TOPICMATCH_OK) {
        return;
    }
    for (int shared = 0; shared < 2; shared++) {
        if (oracle_check_filter(filter, filter_length, shared, false) != TOPICMATCH_OK) {
            continue;
        }
        size_t prefix = shared ? topicmatch_share_length(filter, filter_length) : 0;
        bool expected = oracle_match(filter, filter_length, topic, topic_length, shared);
        if (topicmatch_match(filter + prefix, filter_length - prefix, topic, topic_length) !=
            expected) {
            fail(expected ? "missed" : "false match", filter, filter_length, topic, topic_length);
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Router
// ---------------------------------------------------------------------------------------------

static int allocations_left = -1; // before one fails; negative: none fails

// Moves the block each time, so that a pointer kept too long is noticed.
void *topicmatch_resize(void *block, size_t old_size, size_t new_size) {
    if (allocations_left == 0) {
        return NULL;
    }
    if (allocations_left > 0) {
        allocations_left--;
    }
    void *moved = malloc(new_size);
    if (old_size != 0) {
        memcpy(moved, block, old_size < new_size ? old_size : new_size);
    }
    free(block);
    return moved;
}

#define MODEL_SIZE (256)
#define TEXT_SIZE (64)

// Filters in the order of insertion, and the entry that the router gave for each.
typedef struct {
    size_t count;
    struct {
        uint8_t filter[TEXT_SIZE];
        size_t length;
        uint16_t entry;
    } rows[MODEL_SIZE];
} model_t;

static size_t find_row(const model_t *model, const uint8_t *filter, size_t length) {
    size_t i = 0;
    while (i < model->count && (model->rows[i].length != length ||
                                memcmp(model->rows[i].filter, filter, length) != 0)) {
        i++;
    }
    return i;
}

static void remove_row(model_t *model, size_t i) {
    model->count--;
    memmove(&model->rows[i], &model->rows[i + 1], (model->count - i) * sizeof(model->rows[0]));
}

// Compares everything that can be read from the router.
static void check_content(const topicmatch_router_t *router, const model_t *model) {
    uint16_t position = 0;
    for (size_t i = 0; i < model->count; i++) {
        uint8_t filter[TEXT_SIZE];
        uint16_t entry = topicmatch_router_next(router, &position);
        if (entry == 0 || entry != model->rows[i].entry) {
            fail("order of insertion", model->rows[i].filter, model->rows[i].length, NULL, 0);
        }
        size_t length = topicmatch_router_filter_length(router, entry);
        if (length != model->rows[i].length) {
            fail("length of filter", model->rows[i].filter, model->rows[i].length, NULL, 0);
        }
        topicmatch_router_filter(router, entry, filter);
        if (memcmp(filter, model->rows[i].filter, length) != 0) {
            fail("text of filter", model->rows[i].filter, model->rows[i].length, filter, length);
        }
    }
    if (topicmatch_router_next(router, &position) != 0 || router->entries.live != model->count) {
        fail("number of entries", NULL, 0, NULL, 0);
    }
    if (model->count == 0 &&
        (router->nodes.live != 0 || router->words.live != 0 || router->text_used != 0)) {
        fail("leftovers in an empty router", NULL, 0, NULL, 0);
    }
}

static void check_search(topicmatch_router_t *router, const model_t *model, const uint8_t *topic,
                         size_t length) {
    size_t count;
    topicmatch_error_t expected = oracle_check_topic(topic, length, false);
    if (topicmatch_router_match(router, topic, length, &count) != expected) {
        fail("check in match", NULL, 0, topic, length);
    }
    size_t i = 0;
    for (size_t row = 0; expected == TOPICMATCH_OK && row < model->count; row++) {
        if (!oracle_match(model->rows[row].filter, model->rows[row].length, topic, length, true)) {
            continue;
        }
        if (i == count || topicmatch_router_found(router, i) != model->rows[row].entry) {
            fail("missed or in another order", model->rows[row].filter, model->rows[row].length,
                 topic, length);
        }
        i++;
    }
    if (i != count) {
        fail("false match", NULL, 0, topic, length);
    }
}

// Texts are made of pieces, so that correct and equal ones are frequent.
static size_t read_text(const uint8_t **script, const uint8_t *end, uint8_t *text) {
    static const char *const pieces[] = {
        "/", "/", "/", "a", "b",  "cd",       "+",        "#",           "$",   "$share/",
        "g", "h", "é", " ", "\t", "/+/+/+/+", "a/a/a/a/", "temperature", "/a/", "\xff",
    };
    size_t length = 0;
    size_t count = *script < end ? *(*script)++ % 10u : 0;
    for (; count > 0 && *script < end; count--) {
        const char *piece = pieces[*(*script)++ % (sizeof(pieces) / sizeof(pieces[0]))];
        if (length + strlen(piece) <= TEXT_SIZE) {
            memcpy(text + length, piece, strlen(piece));
            length += strlen(piece);
        }
    }
    return length;
}

void check_router(const uint8_t *script, size_t script_length) {
    static model_t model;
    const uint8_t *end = script + script_length;
    topicmatch_router_t router;
    const uint16_t max_levels = 10;
    model.count = 0;
    allocations_left = -1;
    topicmatch_router_init(&router, max_levels);
    while (script < end) {
        uint8_t operation = *script++;
        uint8_t text[TEXT_SIZE];
        size_t length = read_text(&script, end, text);
        size_t row = find_row(&model, text, length);
        topicmatch_error_t expected = oracle_check_filter(text, length, true, false);
        topicmatch_error_t error;
        uint16_t entry = 0;
        switch (operation % 8) {
        case 0:
        case 1:
        case 2:
            allocations_left = operation >= 0xc0 ? (operation >> 3) % 4 : -1;
            error = topicmatch_router_add(&router, text, length, &entry);
            bool may_fail = allocations_left >= 0;
            allocations_left = -1;
            if (error == TOPICMATCH_MEMORY && may_fail) {
                check_content(&router, &model);
                break;
            }
            if (expected == TOPICMATCH_OK) {
                size_t levels = 1;
                for (size_t i = topicmatch_share_length(text, length); i < length; i++) {
                    levels += text[i] == '/';
                }
                expected = levels > max_levels ? TOPICMATCH_LEVELS : TOPICMATCH_OK;
            }
            if (error != expected) {
                fail("add", text, length, NULL, 0);
            }
            if (error != TOPICMATCH_OK) {
                break;
            }
            if (row == model.count && model.count < MODEL_SIZE) {
                memcpy(model.rows[row].filter, text, length);
                model.rows[row].length = length;
                model.rows[row].entry = entry;
                model.count++;
            } else if (row == model.count) {
                topicmatch_router_remove(&router, entry); // no room in the model
            } else if (entry != model.rows[row].entry) {
                fail("add again", text, length, NULL, 0);
            }
            break;
        case 3:
            error = topicmatch_router_find(&router, text, length, &entry);
            if (error != expected ||
                entry != (row == model.count || error ? 0 : model.rows[row].entry)) {
                fail("find", text, length, NULL, 0);
            }
            break;
        case 4:
            if (model.count != 0) {
                row = length % model.count;
                topicmatch_router_remove(&router, model.rows[row].entry);
                remove_row(&model, row);
            }
            break;
        case 5:
            if (operation == 0xfd) {
                topicmatch_router_clear(&router);
                model.count = 0;
            } else if (operation >= 0xe0) {
                topicmatch_router_reserve(&router, (uint16_t)length);
            }
            check_content(&router, &model);
            break;
        default:
            check_search(&router, &model, text, length);
        }
    }
    check_content(&router, &model);
    while (model.count != 0) {
        topicmatch_router_remove(&router, model.rows[model.count / 2].entry);
        remove_row(&model, model.count / 2);
        check_content(&router, &model);
    }
    free(router.nodes.records);
    free(router.words.records);
    free(router.entries.records);
    free(router.text);
}
