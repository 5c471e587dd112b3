// MQTT topic filters: validation, matching, and a router from filters to numbered entries.
//
// Plain C99 without MicroPython; modtopicmatch.c binds it. Rules are those of MQTT 3.1.1 and 5.0;
// both documents are cited with 5.0's numbers, e.g. [MQTT-4.7.1-1].
//
// Strings are bytes with a length, never NUL-terminated. Nothing here recurses, and nothing but
// topicmatch_router_add and topicmatch_router_reserve allocates.

#ifndef TOPICMATCH_H
#define TOPICMATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TOPICMATCH_MAX_LENGTH (65535) // [MQTT-4.7.3-3]

// In order of precedence: of several faults in one string the first of this list is reported.
typedef enum {
    TOPICMATCH_OK,
    TOPICMATCH_EMPTY,    // [MQTT-4.7.3-1]
    TOPICMATCH_TOO_LONG, // [MQTT-4.7.3-3]
    TOPICMATCH_NUL,      // [MQTT-1.5.4-2]
    TOPICMATCH_UTF8,     // [MQTT-1.5.4-1]; when strict, discouraged characters as well
    TOPICMATCH_WILDCARD, // [MQTT-4.7.0-1], [MQTT-4.7.1-1], [MQTT-4.7.1-2]
    TOPICMATCH_SHARE,    // [MQTT-4.8.2-1], [MQTT-4.8.2-2]
    TOPICMATCH_LEVELS,   // more levels than the router was made for
    TOPICMATCH_MEMORY,   // topicmatch_resize failed, or 16-bit indices are used up
} topicmatch_error_t;

// Checks a topic name. `strict` also refuses what 1.5.4 says SHOULD NOT be sent: control
// characters and non-characters.
topicmatch_error_t topicmatch_check_topic(const uint8_t *topic, size_t length, bool strict);

// Checks a topic filter. With `shared`, "$share/name/filter" is a shared subscription and must
// be a correct one; without, "$share" is a level like any other.
topicmatch_error_t topicmatch_check_filter(const uint8_t *filter, size_t length, bool shared,
                                           bool strict);

// Returns the length of a correct filter's "$share/name/", 0 if it has none.
size_t topicmatch_share_length(const uint8_t *filter, size_t length);

// Returns whether `filter` matches `topic`. Both must have been checked, and the filter is given
// without its share prefix.
bool topicmatch_match(const uint8_t *filter, size_t filter_length, const uint8_t *topic,
                      size_t topic_length);

// The router keeps filters as a tree with one node per level. A level's text is kept once,
// as a word, however many filters contain it. Nodes, words and entries are found by 16-bit
// indices; index 0 is the tree's root, the word "+", and no entry.

typedef struct {
    uint16_t word;   // 0: reached by "+" (or free)
    uint16_t parent; // of a free node: the next free one
    uint16_t plus;   // child for the level "+"
    uint16_t entry;  // first of the entries that end here
    uint16_t children;
} topicmatch_node_t;

typedef struct {
    uint32_t text; // offset; of a free word: the next free one
    uint16_t length;
    uint16_t uses; // by nodes and share names; 0: free
} topicmatch_word_t;

typedef struct {
    uint16_t node;
    uint16_t share;    // word of the share name
    uint16_t next;     // at the same node, and TOPICMATCH_HASH; of a free entry: the next free one
    uint16_t position; // in the order of insertion
} topicmatch_entry_t;

#define TOPICMATCH_HASH (0x8000) // flag in `next`: the filter goes on with the level "#"

// Records in one block of memory, followed by the 16-bit tables that index them.
typedef struct {
    void *records;
    uint16_t capacity; // counts record 0 too
    uint16_t used;     // records handed out at least once
    uint16_t free;     // first of those given back
    uint16_t live;
} topicmatch_pool_t;

typedef struct {
    topicmatch_pool_t nodes;
    topicmatch_pool_t words;
    topicmatch_pool_t entries;
    uint8_t *text;
    uint32_t text_capacity;
    uint32_t text_used;
    uint16_t max_levels;
    uint16_t depth;          // levels of the deepest filter so far
    uint16_t positions_used; // length of the order of insertion, gaps included
} topicmatch_router_t;

// Supplied by whoever links the core. Behaves like realloc (a null block has size 0), and returns
// NULL with the old block untouched if there is no memory.
void *topicmatch_resize(void *block, size_t old_size, size_t new_size);

// Makes an empty router without allocating. Filters of more than `max_levels` levels are refused;
// topics may have any number.
void topicmatch_router_init(topicmatch_router_t *router, uint16_t max_levels);

// Allocates for so many filters of usual shape, so that adding them need not. Returns false if
// there is no memory.
bool topicmatch_router_reserve(topicmatch_router_t *router, uint16_t filters);

// Removes all filters; the memory stays allocated.
void topicmatch_router_clear(topicmatch_router_t *router);

// Finds the entry of an equal filter, or makes one. Failing, it leaves the router's content
// as it was.
topicmatch_error_t topicmatch_router_add(topicmatch_router_t *router, const uint8_t *filter,
                                         size_t length, uint16_t *entry);

// Finds the entry of an equal filter, 0 if there is none ([MQTT-3.10.4-1]: byte by byte).
topicmatch_error_t topicmatch_router_find(const topicmatch_router_t *router, const uint8_t *filter,
                                          size_t length, uint16_t *entry);

// Removes an entry. If it was the last to use a word, this takes time in proportion to the number
// of words, since the text buffer is compacted.
void topicmatch_router_remove(topicmatch_router_t *router, uint16_t entry);

// Checks the topic and finds the entries whose filters match it, in the order of insertion. They
// are then read with topicmatch_router_found, until the router is used again.
topicmatch_error_t topicmatch_router_match(topicmatch_router_t *router, const uint8_t *topic,
                                           size_t length, size_t *count);

// Returns the entry of match number `i` of the last search.
uint16_t topicmatch_router_found(const topicmatch_router_t *router, size_t i);

// Walks over the entries in the order of insertion: `position` starts at 0; 0 ends it.
uint16_t topicmatch_router_next(const topicmatch_router_t *router, uint16_t *position);

// Returns the length of an entry's filter, and writes the filter as it was added, share prefix
// included.
size_t topicmatch_router_filter_length(const topicmatch_router_t *router, uint16_t entry);
void topicmatch_router_filter(const topicmatch_router_t *router, uint16_t entry, uint8_t *buffer);

// Returns the bytes allocated by the router.
size_t topicmatch_router_size(const topicmatch_router_t *router);

#endif // TOPICMATCH_H
