#include "oracle.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    const uint8_t *start;
    size_t length;
} level_t;

// R1: a string is split at every '/'; k slashes give k + 1 levels, any of which may be empty.
static level_t *split(const uint8_t *text, size_t length, size_t *count) {
    level_t *levels = malloc((length + 1) * sizeof(level_t));
    *count = 0;
    levels[0] = (level_t){text, 0};
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '/') {
            *count += 1;
            levels[*count] = (level_t){text + i + 1, 0};
        } else {
            levels[*count].length++;
        }
    }
    *count += 1;
    return levels;
}

static bool is(level_t level, const char *text) {
    return level.length == strlen(text) && memcmp(level.start, text, level.length) == 0;
}

static bool contains(level_t level, uint8_t byte) {
    for (size_t i = 0; i < level.length; i++) {
        if (level.start[i] == byte) {
            return true;
        }
    }
    return false;
}

// RFC 3629, section 4: the octet sequences that there are. R8: those that MQTT discourages.
static bool is_utf8(const uint8_t *text, size_t length, bool strict) {
    static const struct {
        size_t length;
        uint8_t low[4];
        uint8_t high[4];
    } rows[] = {
        {1, {0x00}, {0x7f}},
        {2, {0xc2, 0x80}, {0xdf, 0xbf}},
        {3, {0xe0, 0xa0, 0x80}, {0xe0, 0xbf, 0xbf}},
        {3, {0xe1, 0x80, 0x80}, {0xec, 0xbf, 0xbf}},
        {3, {0xed, 0x80, 0x80}, {0xed, 0x9f, 0xbf}},
        {3, {0xee, 0x80, 0x80}, {0xef, 0xbf, 0xbf}},
        {4, {0xf0, 0x90, 0x80, 0x80}, {0xf0, 0xbf, 0xbf, 0xbf}},
        {4, {0xf1, 0x80, 0x80, 0x80}, {0xf3, 0xbf, 0xbf, 0xbf}},
        {4, {0xf4, 0x80, 0x80, 0x80}, {0xf4, 0x8f, 0xbf, 0xbf}},
    };
    size_t i = 0;
    while (i < length) {
        size_t step = 0;
        for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
            bool fits = rows[row].length <= length - i;
            for (size_t j = 0; fits && j < rows[row].length; j++) {
                fits = text[i + j] >= rows[row].low[j] && text[i + j] <= rows[row].high[j];
            }
            if (fits) {
                step = rows[row].length;
            }
        }
        if (step == 0) {
            return false;
        }
        if (strict) {
            const uint8_t *c = text + i;
            bool control = (step == 1 && (c[0] < 0x20 || c[0] == 0x7f)) ||
                           (step == 2 && c[0] == 0xc2 && c[1] < 0xa0);
            bool arabic_block =
                step == 3 && c[0] == 0xef && c[1] == 0xb7 && c[2] >= 0x90 && c[2] <= 0xaf;
            // The last two of a plane of 65,536 end in 16 bits: fffe, ffff.
            bool plane_end = step >= 3 && (c[step - 1] == 0xbe || c[step - 1] == 0xbf) &&
                             c[step - 2] == 0xbf && (c[step - 3] & 0x0f) == 0x0f;
            if (control || arabic_block || plane_end) {
                return false;
            }
        }
        i += step;
    }
    return true;
}

static topicmatch_error_t check_text(const uint8_t *text, size_t length, bool strict) {
    if (length < 1) {
        return TOPICMATCH_EMPTY;
    }
    if (length > 65535) {
        return TOPICMATCH_TOO_LONG;
    }
    if (contains((level_t){text, length}, 0)) {
        return TOPICMATCH_NUL;
    }
    return is_utf8(text, length, strict) ? TOPICMATCH_OK : TOPICMATCH_UTF8;
}

topicmatch_error_t oracle_check_topic(const uint8_t *topic, size_t length, bool strict) {
    topicmatch_error_t error = check_text(topic, length, strict);
    if (error != TOPICMATCH_OK) {
        return error;
    }
    bool wildcard =
        contains((level_t){topic, length}, '+') || contains((level_t){topic, length}, '#');
    return wildcard ? TOPICMATCH_WILDCARD : TOPICMATCH_OK;
}

topicmatch_error_t oracle_check_filter(const uint8_t *filter, size_t length, bool shared,
                                       bool strict) {
    topicmatch_error_t error = check_text(filter, length, strict);
    if (error != TOPICMATCH_OK) {
        return error;
    }
    size_t count;
    level_t *levels = split(filter, length, &count);
    for (size_t i = 0; i < count; i++) {
        if (contains(levels[i], '+') && !is(levels[i], "+")) {
            error = TOPICMATCH_WILDCARD;
        }
        if (contains(levels[i], '#') && (!is(levels[i], "#") || i != count - 1)) {
            error = TOPICMATCH_WILDCARD;
        }
    }
    if (error == TOPICMATCH_OK && shared && count > 1 && is(levels[0], "$share")) {
        bool named =
            levels[1].length > 0 && !contains(levels[1], '+') && !contains(levels[1], '#');
        bool followed = count > 3 || (count == 3 && levels[2].length > 0);
        error = named && followed ? TOPICMATCH_OK : TOPICMATCH_SHARE;
    }
    free(levels);
    return error;
}

bool oracle_match(const uint8_t *filter, size_t filter_length, const uint8_t *topic,
                  size_t topic_length, bool shared) {
    size_t filter_count;
    size_t topic_count;
    level_t *all_filter_levels = split(filter, filter_length, &filter_count);
    level_t *topic_levels = split(topic, topic_length, &topic_count);
    level_t *filter_levels = all_filter_levels;
    if (shared && filter_count > 1 && is(filter_levels[0], "$share")) {
        filter_levels += 2;
        filter_count -= 2;
    }
    bool matches = true;
    bool open = false; // a final "#" stands for zero or more levels
    if (is(filter_levels[filter_count - 1], "#")) {
        open = true;
        filter_count--;
    }
    if (open ? topic_count < filter_count : topic_count != filter_count) {
        matches = false;
    }
    for (size_t i = 0; matches && i < filter_count; i++) {
        bool same =
            filter_levels[i].length == topic_levels[i].length &&
            memcmp(filter_levels[i].start, topic_levels[i].start, filter_levels[i].length) == 0;
        if (!is(filter_levels[i], "+") && !same) {
            matches = false;
        }
    }
    bool begins_with_wildcard = filter_count == 0 || is(filter_levels[0], "+");
    if (topic[0] == '$' && begins_with_wildcard) {
        matches = false;
    }
    free(all_filter_levels);
    free(topic_levels);
    return matches;
}
