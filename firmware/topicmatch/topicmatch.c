#include "topicmatch.h"

#include <string.h>

// Text is scanned a machine word at a time where the compiler and the byte order allow it. Words
// of eight bytes are always worth their code; words of four are not if small code is asked for.
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && \
    (!defined(__OPTIMIZE_SIZE__) || __SIZEOF_SIZE_T__ == 8)
#define SCAN_CHUNKS (1)
#else
#define SCAN_CHUNKS (0)
#endif

// Elsewhere (ESP8266, ESP32, Cortex-M0+) an unaligned load is slow or a fault.
#if defined(__x86_64__) || defined(__i386__) || defined(__aarch64__) || \
    defined(__ARM_FEATURE_UNALIGNED)
#define UNALIGNED_LOADS (1)
#else
#define UNALIGNED_LOADS (0)
#endif

static const char share_prefix[] = "$share/";
#define SHARE_PREFIX_LENGTH (sizeof(share_prefix) - 1)

// ---------------------------------------------------------------------------------------------
// Checking
// ---------------------------------------------------------------------------------------------

// A plain byte is ASCII and neither NUL, '+' nor '#'. Leaving out all that sorts before ','
// makes it one comparison; the bytes left out only take the slow path.
#define PLAIN_FIRST (',')

static inline bool is_plain(uint8_t byte) {
    return byte >= PLAIN_FIRST && byte < 0x80;
}

#if SCAN_CHUNKS
typedef size_t chunk_t;

#define ONES ((chunk_t) - 1 / 0xff) // times a byte: that byte in each place

// Sets the top bit of bytes that are not plain: they have it or the subtraction borrows it. The
// lowest one set is exact; above it a plain byte may be marked, too.
static inline chunk_t find_odd(chunk_t chunk) {
    return ((chunk - ONES * PLAIN_FIRST) | chunk) & (ONES * 0x80);
}

static inline chunk_t load_chunk(const uint8_t *p) {
    chunk_t chunk;
#if UNALIGNED_LOADS
    memcpy(&chunk, p, sizeof(chunk));
#else
    memcpy(&chunk, __builtin_assume_aligned(p, sizeof(chunk)), sizeof(chunk));
#endif
    return chunk;
}

static inline bool can_load_chunk(const uint8_t *p) {
    return UNALIGNED_LOADS || (uintptr_t)p % sizeof(chunk_t) == 0;
}

static inline unsigned lowest_byte(chunk_t chunk) {
    return (sizeof(chunk_t) == 8 ? (unsigned)__builtin_ctzll(chunk)
                                 : (unsigned)__builtin_ctzl((unsigned long)chunk)) /
           8;
}
#endif

// Returns the first byte that is not plain, or end.
static const uint8_t *skip_plain(const uint8_t *p, const uint8_t *end) {
#if SCAN_CHUNKS
    while (p < end && !can_load_chunk(p)) {
        if (!is_plain(*p)) {
            return p;
        }
        p++;
    }
    while ((size_t)(end - p) >= sizeof(chunk_t)) {
        chunk_t odd = find_odd(load_chunk(p));
        if (odd != 0) {
            return p + lowest_byte(odd);
        }
        p += sizeof(chunk_t);
    }
#endif
    while (p < end && is_plain(*p)) {
        p++;
    }
    return p;
}

// Returns the length of the multi-byte character at p, 0 if it is none by RFC 3629, or, when
// strict, if 1.5.4 discourages it.
static size_t utf8_length(const uint8_t *p, const uint8_t *end, bool strict) {
    size_t length = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
    if (*p < 0xc2 || *p > 0xf4 || (size_t)(end - p) < length) {
        return 0;
    }
    uint32_t code = *p & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if ((p[i] & 0xc0) != 0x80) {
            return 0;
        }
        code = code << 6 | (p[i] & 0x3f);
    }
    // Three bytes are for 11 bits and more, four for 16 and more; d800 to dfff are surrogates.
    if (code >> (5 * length - 4) == 0 || code > 0x10ffff || code >> 11 == 0xd800 >> 11) {
        return 0;
    }
    if (strict && (code < 0xa0 || code - 0xfdd0 < 0x20 || (code & 0xfffe) == 0xfffe)) {
        return 0;
    }
    return length;
}

// Returns whether a filter may have the wildcard at p there.
static bool is_wildcard_allowed(const uint8_t *p, const uint8_t *start, const uint8_t *end) {
    if (p > start && p[-1] != '/') {
        return false;
    }
    return p + 1 == end || (*p == '+' && p[1] == '/');
}

static topicmatch_error_t check_text(const uint8_t *text, size_t length, bool is_filter,
                                     bool strict) {
    if (length == 0) {
        return TOPICMATCH_EMPTY;
    }
    if (length > TOPICMATCH_MAX_LENGTH) {
        return TOPICMATCH_TOO_LONG;
    }
    topicmatch_error_t first = TOPICMATCH_OK;
    const uint8_t *end = text + length;
    const uint8_t *p = text;
    while (strict || (p = skip_plain(p, end)) < end) {
        if (p == end) {
            break;
        }
        topicmatch_error_t error = TOPICMATCH_OK;
        size_t step = 1;
        if (*p >= 0x80) {
            step = utf8_length(p, end, strict);
            if (step == 0) {
                error = TOPICMATCH_UTF8;
                step = 1;
            }
        } else if (*p == 0) {
            error = TOPICMATCH_NUL;
        } else if (*p == '+' || *p == '#') {
            if (!is_filter || !is_wildcard_allowed(p, text, end)) {
                error = TOPICMATCH_WILDCARD;
            }
        } else if (strict && (*p < 0x20 || *p == 0x7f)) {
            error = TOPICMATCH_UTF8;
        }
        if (error != TOPICMATCH_OK && (first == TOPICMATCH_OK || error < first)) {
            first = error;
        }
        p += step;
    }
    return first;
}

topicmatch_error_t topicmatch_check_topic(const uint8_t *topic, size_t length, bool strict) {
    return check_text(topic, length, false, strict);
}

size_t topicmatch_share_length(const uint8_t *filter, size_t length) {
    if (length < SHARE_PREFIX_LENGTH || memcmp(filter, share_prefix, SHARE_PREFIX_LENGTH) != 0) {
        return 0;
    }
    const uint8_t *slash = memchr(filter + SHARE_PREFIX_LENGTH, '/', length - SHARE_PREFIX_LENGTH);
    return slash == NULL ? length : (size_t)(slash - filter) + 1;
}

topicmatch_error_t topicmatch_check_filter(const uint8_t *filter, size_t length, bool shared,
                                           bool strict) {
    topicmatch_error_t error = check_text(filter, length, true, strict);
    if (error != TOPICMATCH_OK || !shared) {
        return error;
    }
    size_t share = topicmatch_share_length(filter, length);
    if (share == 0) {
        return TOPICMATCH_OK;
    }
    // check_text has made sure that a wildcard fills its level.
    const uint8_t *name = filter + SHARE_PREFIX_LENGTH;
    if (share == length || *name == '/' || *name == '+') {
        return TOPICMATCH_SHARE;
    }
    return TOPICMATCH_OK;
}

// ---------------------------------------------------------------------------------------------
// Matching one filter
// ---------------------------------------------------------------------------------------------

bool topicmatch_match(const uint8_t *filter, size_t filter_length, const uint8_t *topic,
                      size_t topic_length) {
    const uint8_t *filter_end = filter + filter_length;
    const uint8_t *topic_end = topic + topic_length;
    if (*topic == '$' && (*filter == '+' || *filter == '#')) {
        return false; // [MQTT-4.7.2-1]
    }
    for (;;) {
#if SCAN_CHUNKS
        while ((size_t)(filter_end - filter) >= sizeof(chunk_t) &&
               (size_t)(topic_end - topic) >= sizeof(chunk_t) && can_load_chunk(filter) &&
               can_load_chunk(topic)) {
            chunk_t differing = load_chunk(filter) ^ load_chunk(topic);
            if (differing != 0) {
                filter += lowest_byte(differing);
                topic += lowest_byte(differing);
                goto different;
            }
            filter += sizeof(chunk_t);
            topic += sizeof(chunk_t);
        }
#endif
        while (filter < filter_end && topic < topic_end && *filter == *topic) {
            filter++;
            topic++;
        }
        if (filter == filter_end) {
            return topic == topic_end;
        }
#if SCAN_CHUNKS
    different:
#endif
        if (*filter == '#') {
            return true;
        }
        if (*filter != '+') {
            // "x/#" matches its parent level "x" too.
            return topic == topic_end && filter_end - filter == 2 && filter[0] == '/' &&
                   filter[1] == '#';
        }
        filter++;
        while (topic < topic_end && *topic != '/') {
            topic++;
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Router: pools and tables
// ---------------------------------------------------------------------------------------------

#define MAX_HASHED (65535) // nodes, words
#define MAX_ENTRIES (TOPICMATCH_HASH)
#define MAX_USES (65535)

#define ROOT (0)
#define PLUS (0)

#define INDEX_MASK (TOPICMATCH_HASH - 1)

static inline topicmatch_node_t *get_nodes(const topicmatch_router_t *router) {
    return router->nodes.records;
}

static inline topicmatch_word_t *get_words(const topicmatch_router_t *router) {
    return router->words.records;
}

static inline topicmatch_entry_t *get_entries(const topicmatch_router_t *router) {
    return router->entries.records;
}

// The blocks of nodes and words end with a hash table of indices, linearly probed. It is kept at
// most half full, so a probe that fails reads 2.5 slots on average.
static inline uint32_t table_size(const topicmatch_pool_t *pool) {
    return 2u * pool->capacity;
}

static inline uint16_t *get_node_table(const topicmatch_router_t *router) {
    return (uint16_t *)(get_nodes(router) + router->nodes.capacity);
}

static inline uint16_t *get_word_table(const topicmatch_router_t *router) {
    return (uint16_t *)(get_words(router) + router->words.capacity);
}

typedef struct {
    uint16_t node;
    uint16_t level;
} branch_t;

// The block of entries ends with: the order of insertion (entry or 0 at each position), the
// positions found by a search, and what a search needs for each level of the tree: the word of
// the topic's level, and a "+" branch still to be visited.
static inline uint32_t positions_capacity(uint32_t entries_capacity) {
    return entries_capacity + entries_capacity / 2;
}

static inline uint16_t *get_order(const topicmatch_router_t *router) {
    return (uint16_t *)(get_entries(router) + router->entries.capacity);
}

static inline uint16_t *get_found(const topicmatch_router_t *router) {
    return get_order(router) + positions_capacity(router->entries.capacity);
}

static inline uint16_t *get_level_words(const topicmatch_router_t *router) {
    return get_found(router) + router->entries.capacity;
}

static inline branch_t *get_branches(const topicmatch_router_t *router) {
    return (branch_t *)(get_level_words(router) + router->depth);
}

static size_t hashed_size(uint32_t capacity, size_t record_size) {
    return capacity * (record_size + 2 * sizeof(uint16_t));
}

static size_t entries_size(uint32_t capacity, uint32_t depth) {
    return capacity * sizeof(topicmatch_entry_t) +
           (positions_capacity(capacity) + capacity + depth) * sizeof(uint16_t) +
           depth * sizeof(branch_t);
}

// Multiplying by this spreads a number over its product's upper bits (Fibonacci hashing).
#define HASH_FACTOR (2654435769u)

// Scales a hash to the size of a table by its upper bits; a size need not be a power of two.
static inline uint32_t get_slot(uint32_t hash, uint32_t size) {
    return (uint32_t)((uint64_t)hash * size >> 32);
}

// Hashes the level that begins at p and returns its end. `*plain` becomes false if a byte may not
// be plain, in the level or shortly after it.
static inline const uint8_t *scan_level(const uint8_t *p, const uint8_t *end, uint32_t *hash,
                                        bool *plain) {
#if SCAN_CHUNKS && UNALIGNED_LOADS
    const chunk_t factor = sizeof(chunk_t) == 8 ? (chunk_t)0x9e3779b97f4a7c15u : HASH_FACTOR;
    chunk_t sum = 0;
    for (;;) {
        chunk_t chunk = ONES * '/'; // what follows the end looks like the next level
        if ((size_t)(end - p) >= sizeof(chunk_t)) {
            chunk = load_chunk(p);
        } else {
            for (const uint8_t *last = end; last-- > p;) {
                chunk = chunk << 8 | *last;
            }
        }
        if (find_odd(chunk) != 0) {
            *plain = false;
        }
        chunk_t slashes = chunk ^ ONES * '/';
        slashes = (slashes - ONES) & ~slashes & (ONES * 0x80);
        if (slashes != 0) {
            chunk_t below = (slashes & -slashes) >> 7; // the slash's lowest bit
            sum = (sum ^ (chunk & (below - 1))) * factor;
            *hash = (uint32_t)(sum >> (8 * sizeof(chunk_t) - 32));
            return p + lowest_byte(slashes);
        }
        sum = (sum ^ chunk) * factor;
        p += sizeof(chunk_t);
    }
#else
    uint32_t sum = 0;
    for (; p < end && *p != '/'; p++) {
        if (!is_plain(*p)) {
            *plain = false;
        }
        sum = (sum ^ *p) * 33;
    }
    *hash = sum * HASH_FACTOR;
    return p;
#endif
}

static uint32_t hash_text(const uint8_t *text, size_t length) {
    uint32_t hash;
    bool plain;
    scan_level(text, text + length, &hash, &plain);
    return hash;
}

// What nodes are found by: where they hang, and by which word.
static inline uint32_t make_key(uint32_t parent, uint32_t word) {
    return parent << 16 | word;
}

// A home is the slot where the search for a record begins.
typedef uint32_t (*home_t)(const topicmatch_router_t *router, uint16_t index);

#define NO_HOME (UINT32_MAX)

static uint32_t home_of_node(const topicmatch_router_t *router, uint16_t index) {
    const topicmatch_node_t *node = &get_nodes(router)[index];
    if (node->word == PLUS) {
        return NO_HOME;
    }
    return get_slot(make_key(node->parent, node->word) * HASH_FACTOR, table_size(&router->nodes));
}

static uint32_t home_of_word(const topicmatch_router_t *router, uint16_t index) {
    const topicmatch_word_t *word = &get_words(router)[index];
    if (word->uses == 0) {
        return NO_HOME;
    }
    return get_slot(hash_text(router->text + word->text, word->length),
                    table_size(&router->words));
}

static inline uint32_t next_slot(uint32_t slot, uint32_t size) {
    return slot + 1 == size ? 0 : slot + 1;
}

static void table_insert(const topicmatch_router_t *router, uint16_t *table, uint32_t size,
                         home_t home, uint16_t index) {
    uint32_t slot = home(router, index);
    if (slot == NO_HOME) {
        return;
    }
    while (table[slot] != 0) {
        slot = next_slot(slot, size);
    }
    table[slot] = index;
}

// Closes the gap by moving back what was displaced, so that no tombstones pile up.
static void table_remove(const topicmatch_router_t *router, uint16_t *table, uint32_t size,
                         home_t home, uint16_t index) {
    uint32_t gap = home(router, index);
    while (table[gap] != index) {
        gap = next_slot(gap, size);
    }
    for (uint32_t slot = next_slot(gap, size); table[slot] != 0; slot = next_slot(slot, size)) {
        uint32_t from_home = (slot + size - home(router, table[slot])) % size;
        uint32_t from_gap = (slot + size - gap) % size;
        if (from_home >= from_gap) {
            table[gap] = table[slot];
            gap = slot;
        }
    }
    table[gap] = 0;
}

static inline uint16_t find_word(const topicmatch_router_t *router, const uint8_t *text,
                                 size_t length, uint32_t hash) {
    if (router->words.live == 0) {
        return 0;
    }
    const topicmatch_word_t *words = get_words(router);
    const uint16_t *table = get_word_table(router);
    uint32_t size = table_size(&router->words);
    uint32_t slot = get_slot(hash, size);
    uint16_t index;
    while ((index = table[slot]) != 0) {
        const topicmatch_word_t *word = &words[index];
        if (word->length == length && memcmp(router->text + word->text, text, length) == 0) {
            break;
        }
        slot = next_slot(slot, size);
    }
    return index;
}

// Nodes and their table, taken out of the router once for many steps down the tree.
typedef struct {
    const topicmatch_node_t *nodes;
    const uint16_t *table;
    uint32_t size;
} tree_t;

static inline tree_t get_tree(const topicmatch_router_t *router) {
    return (tree_t){get_nodes(router), get_node_table(router), table_size(&router->nodes)};
}

static inline uint16_t find_child(const tree_t *tree, uint32_t parent, uint32_t word) {
    uint32_t key = make_key(parent, word);
    uint32_t slot = get_slot(key * HASH_FACTOR, tree->size);
    uint16_t index;
    while ((index = tree->table[slot]) != 0) {
        const topicmatch_node_t *node = &tree->nodes[index];
        if (make_key(node->parent, node->word) == key) {
            break;
        }
        slot = next_slot(slot, tree->size);
    }
    return index;
}

// Capacity for `extra` more records: the present one if it suffices, 0 if `limit` does not.
// Grows by a quarter: on a small heap less slack is worth more copies.
static uint32_t wanted_capacity(const topicmatch_pool_t *pool, uint32_t extra, uint32_t limit) {
    uint32_t needed = 1u + pool->live + extra;
    if (needed <= pool->capacity) {
        return pool->capacity;
    }
    if (needed > limit) {
        return 0;
    }
    uint32_t grown = pool->capacity + pool->capacity / 4u + 2u;
    grown = grown < limit ? grown : limit;
    return needed > grown ? needed : grown;
}

static bool resize_pool(topicmatch_pool_t *pool, size_t old_size, size_t new_size,
                        uint32_t capacity, size_t record_size) {
    void *records = topicmatch_resize(pool->records, old_size, new_size);
    if (records == NULL) {
        return false;
    }
    pool->records = records;
    pool->capacity = (uint16_t)capacity;
    if (pool->used == 0) {
        memset(records, 0, record_size);
        pool->used = 1;
    }
    return true;
}

// Makes room in a pool that is followed by a hash table.
static bool reserve_hashed(topicmatch_router_t *router, topicmatch_pool_t *pool,
                           size_t record_size, home_t home, uint32_t extra) {
    uint32_t capacity = wanted_capacity(pool, extra, MAX_HASHED);
    if (capacity == 0) {
        return false;
    }
    if (capacity == pool->capacity) {
        return true;
    }
    if (!resize_pool(pool, hashed_size(pool->capacity, record_size),
                     hashed_size(capacity, record_size), capacity, record_size)) {
        return false;
    }
    uint16_t *table = (uint16_t *)(void *)((uint8_t *)pool->records + capacity * record_size);
    memset(table, 0, table_size(pool) * sizeof(uint16_t));
    for (uint16_t i = 1; i < pool->used; i++) {
        table_insert(router, table, table_size(pool), home, i);
    }
    return true;
}

static bool reserve_nodes(topicmatch_router_t *router, uint32_t extra) {
    return reserve_hashed(router, &router->nodes, sizeof(topicmatch_node_t), home_of_node, extra);
}

static bool reserve_words(topicmatch_router_t *router, uint32_t extra) {
    return reserve_hashed(router, &router->words, sizeof(topicmatch_word_t), home_of_word, extra);
}

static bool reserve_text(topicmatch_router_t *router, size_t extra) {
    if (extra > UINT32_MAX - router->text_used) {
        return false;
    }
    uint32_t needed = router->text_used + (uint32_t)extra;
    if (needed <= router->text_capacity && router->text != NULL) {
        return true;
    }
    uint32_t grown = router->text_capacity + router->text_capacity / 4 + 16;
    uint32_t capacity = needed > grown ? needed : grown;
    uint8_t *text = topicmatch_resize(router->text, router->text_capacity, capacity);
    if (text == NULL) {
        return false;
    }
    router->text = text;
    router->text_capacity = capacity;
    return true;
}

// Closes the gaps in the order of insertion.
static void compact_order(topicmatch_router_t *router) {
    topicmatch_entry_t *entries = get_entries(router);
    uint16_t *order = get_order(router);
    uint16_t used = 0;
    for (uint16_t i = 0; i < router->positions_used; i++) {
        if (order[i] != 0) {
            entries[order[i]].position = used;
            order[used++] = order[i];
        }
    }
    router->positions_used = used;
}

static bool reserve_entries(topicmatch_router_t *router, uint32_t extra, uint32_t depth) {
    topicmatch_pool_t *pool = &router->entries;
    uint32_t capacity = wanted_capacity(pool, extra, MAX_ENTRIES);
    if (capacity == 0) {
        return false;
    }
    depth = depth > router->depth ? depth : router->depth;
    if (capacity != pool->capacity || depth != router->depth) {
        uint32_t old_capacity = pool->capacity;
        if (!resize_pool(pool, entries_size(old_capacity, router->depth),
                         entries_size(capacity, depth), capacity, sizeof(topicmatch_entry_t))) {
            return false;
        }
        const uint16_t *old_order = (uint16_t *)(get_entries(router) + old_capacity);
        memmove(get_order(router), old_order, router->positions_used * sizeof(uint16_t));
        router->depth = (uint16_t)depth;
    }
    if (router->positions_used == positions_capacity(pool->capacity)) {
        compact_order(router);
    }
    return true;
}

// Takes a record from the pool, which has one. `next_free` follows the chain of free records.
static uint16_t take(topicmatch_pool_t *pool, uint16_t next_free) {
    uint16_t index = pool->free;
    if (index != 0) {
        pool->free = next_free;
    } else {
        index = pool->used++;
    }
    pool->live++;
    return index;
}

static void give_back(topicmatch_pool_t *pool, uint16_t index) {
    pool->free = index;
    pool->live--;
}

// ---------------------------------------------------------------------------------------------
// Router: words and nodes
// ---------------------------------------------------------------------------------------------

// Counts one more use of a word, which is made if need be; room has been reserved.
static uint16_t use_word(topicmatch_router_t *router, const uint8_t *text, size_t length) {
    topicmatch_word_t *words = get_words(router);
    uint16_t index = find_word(router, text, length, hash_text(text, length));
    if (index == 0) {
        index = take(&router->words, (uint16_t)words[router->words.free].text);
        memcpy(router->text + router->text_used, text, length);
        words[index] = (topicmatch_word_t){router->text_used, (uint16_t)length, 1};
        router->text_used += (uint32_t)length;
        table_insert(router, get_word_table(router), table_size(&router->words), home_of_word,
                     index);
        return index;
    }
    words[index].uses++;
    return index;
}

static void release_word(topicmatch_router_t *router, uint16_t index) {
    topicmatch_word_t *words = get_words(router);
    topicmatch_word_t *word = &words[index];
    if (word->uses > 1) {
        word->uses--;
        return;
    }
    table_remove(router, get_word_table(router), table_size(&router->words), home_of_word, index);
    word->uses = 0;
    uint32_t start = word->text;
    uint32_t end = start + word->length;
    memmove(router->text + start, router->text + end, router->text_used - end);
    router->text_used -= word->length;
    for (uint16_t i = 1; i < router->words.used; i++) {
        if (words[i].uses != 0 && words[i].text >= end) {
            words[i].text -= word->length;
        }
    }
    word->text = router->words.free;
    give_back(&router->words, index);
}

static uint16_t make_node(topicmatch_router_t *router, uint16_t parent, const uint8_t *level,
                          size_t length) {
    topicmatch_node_t *nodes = get_nodes(router);
    uint16_t index = take(&router->nodes, nodes[router->nodes.free].parent);
    nodes[index] = (topicmatch_node_t){.parent = parent};
    if (length == 1 && *level == '+') {
        nodes[parent].plus = index;
    } else {
        nodes[index].word = use_word(router, level, length);
        nodes[parent].children++;
        table_insert(router, get_node_table(router), table_size(&router->nodes), home_of_node,
                     index);
    }
    return index;
}

// Removes a node, and then its parents, while nothing hangs on them.
static void prune(topicmatch_router_t *router, uint16_t index) {
    topicmatch_node_t *nodes = get_nodes(router);
    while (index != ROOT) {
        topicmatch_node_t *node = &nodes[index];
        if (node->entry != 0 || node->plus != 0 || node->children != 0) {
            break;
        }
        uint16_t parent = node->parent;
        if (node->word == PLUS) {
            nodes[parent].plus = 0;
        } else {
            table_remove(router, get_node_table(router), table_size(&router->nodes), home_of_node,
                         index);
            nodes[parent].children--;
            release_word(router, node->word);
            node->word = PLUS;
        }
        node->parent = router->nodes.free;
        give_back(&router->nodes, index);
        index = parent;
    }
}

// ---------------------------------------------------------------------------------------------
// Router: filters
// ---------------------------------------------------------------------------------------------

// A correct filter taken apart. Its levels end before a final "#".
typedef struct {
    const uint8_t *share;
    size_t share_length;
    const uint8_t *start;
    const uint8_t *end;
    uint32_t levels;
    bool hash;
} parts_t;

static topicmatch_error_t take_apart(const uint8_t *filter, size_t length, parts_t *parts) {
    topicmatch_error_t error = topicmatch_check_filter(filter, length, true, false);
    if (error != TOPICMATCH_OK) {
        return error;
    }
    size_t prefix = topicmatch_share_length(filter, length);
    parts->share = filter + SHARE_PREFIX_LENGTH;
    parts->share_length = prefix == 0 ? 0 : prefix - SHARE_PREFIX_LENGTH - 1;
    parts->start = filter + prefix;
    parts->end = filter + length;
    parts->levels = 1;
    parts->hash = parts->end[-1] == '#';
    if (parts->hash) {
        parts->end--;
        if (parts->end == parts->start) {
            parts->levels = 0;
        } else {
            parts->end--;
        }
    }
    for (const uint8_t *p = parts->start; p < parts->end; p++) {
        parts->levels += *p == '/';
    }
    return TOPICMATCH_OK;
}

static size_t level_length(const uint8_t *p, const uint8_t *end) {
    const uint8_t *start = p;
    while (p < end && *p != '/') {
        p++;
    }
    return (size_t)(p - start);
}

// What of a filter the router has already, and what it would take to add the rest.
typedef struct {
    uint16_t node; // the deepest that exists
    const uint8_t *rest;
    uint32_t new_nodes;
    uint32_t new_words;
    size_t new_text;
    uint16_t share;
    uint16_t most_uses; // of the words that exist and would be used again
} plan_t;

static uint16_t plan_word(const topicmatch_router_t *router, const uint8_t *text, size_t length,
                          plan_t *plan) {
    uint16_t word = find_word(router, text, length, hash_text(text, length));
    if (word == 0) {
        plan->new_words++;
        plan->new_text += length;
    } else if (get_words(router)[word].uses > plan->most_uses) {
        plan->most_uses = get_words(router)[word].uses;
    }
    return word;
}

static void make_plan(const topicmatch_router_t *router, const parts_t *parts, plan_t *plan) {
    *plan = (plan_t){.node = ROOT, .rest = parts->start};
    const uint8_t *level = parts->start;
    for (uint32_t i = 0; i < parts->levels; i++) {
        size_t length = level_length(level, parts->end);
        bool plus = length == 1 && *level == '+';
        uint16_t child = 0;
        if (plan->new_nodes == 0 && router->nodes.used != 0) {
            if (plus) {
                child = get_nodes(router)[plan->node].plus;
            } else {
                const tree_t tree = get_tree(router);
                uint16_t word = find_word(router, level, length, hash_text(level, length));
                child = word == 0 ? 0 : find_child(&tree, plan->node, word);
            }
        }
        if (child != 0) {
            plan->node = child;
            plan->rest = level + length + 1;
        } else {
            plan->new_nodes++;
            if (!plus) {
                plan_word(router, level, length, plan);
            }
        }
        level += length + 1;
    }
    if (parts->share_length != 0) {
        plan->share = plan_word(router, parts->share, parts->share_length, plan);
    }
}

static uint16_t find_planned(const topicmatch_router_t *router, const parts_t *parts,
                             const plan_t *plan) {
    if (plan->new_nodes != 0 || router->nodes.used == 0 ||
        (parts->share_length != 0 && plan->share == 0)) {
        return 0;
    }
    const topicmatch_entry_t *entries = get_entries(router);
    uint16_t index = get_nodes(router)[plan->node].entry;
    while (index != 0) {
        const topicmatch_entry_t *entry = &entries[index];
        bool hash = (entry->next & TOPICMATCH_HASH) != 0;
        if (entry->share == plan->share && hash == parts->hash) {
            return index;
        }
        index = entry->next & INDEX_MASK;
    }
    return 0;
}

topicmatch_error_t topicmatch_router_find(const topicmatch_router_t *router, const uint8_t *filter,
                                          size_t length, uint16_t *entry) {
    parts_t parts;
    topicmatch_error_t error = take_apart(filter, length, &parts);
    if (error != TOPICMATCH_OK) {
        return error;
    }
    plan_t plan;
    make_plan(router, &parts, &plan);
    *entry = find_planned(router, &parts, &plan);
    return TOPICMATCH_OK;
}

topicmatch_error_t topicmatch_router_add(topicmatch_router_t *router, const uint8_t *filter,
                                         size_t length, uint16_t *entry_index) {
    parts_t parts;
    topicmatch_error_t error = take_apart(filter, length, &parts);
    if (error != TOPICMATCH_OK) {
        return error;
    }
    if (parts.levels + parts.hash > router->max_levels) {
        return TOPICMATCH_LEVELS;
    }
    plan_t plan;
    make_plan(router, &parts, &plan);
    *entry_index = find_planned(router, &parts, &plan);
    if (*entry_index != 0) {
        return TOPICMATCH_OK;
    }

    // Everything that can fail comes before the first change.
    if (plan.most_uses + plan.new_nodes + 1 > MAX_USES ||
        !reserve_entries(router, 1, parts.levels) || !reserve_nodes(router, plan.new_nodes) ||
        !reserve_words(router, plan.new_words) || !reserve_text(router, plan.new_text)) {
        return TOPICMATCH_MEMORY;
    }

    uint16_t node = plan.node;
    const uint8_t *level = plan.rest;
    for (; plan.new_nodes != 0; plan.new_nodes--) {
        size_t level_size = level_length(level, parts.end);
        node = make_node(router, node, level, level_size);
        level += level_size + 1;
    }
    uint16_t share = 0;
    if (parts.share_length != 0) {
        share = use_word(router, parts.share, parts.share_length);
    }
    topicmatch_entry_t *entries = get_entries(router);
    uint16_t index = take(&router->entries, entries[router->entries.free].next);
    uint16_t *head = &get_nodes(router)[node].entry;
    uint16_t next = parts.hash ? *head | TOPICMATCH_HASH : *head;
    entries[index] = (topicmatch_entry_t){node, share, next, router->positions_used};
    *head = index;
    get_order(router)[router->positions_used++] = index;
    *entry_index = index;
    return TOPICMATCH_OK;
}

void topicmatch_router_remove(topicmatch_router_t *router, uint16_t index) {
    topicmatch_entry_t *entries = get_entries(router);
    topicmatch_entry_t *entry = &entries[index];
    uint16_t *head = &get_nodes(router)[entry->node].entry;
    if (*head == index) {
        *head = entry->next & INDEX_MASK;
    } else {
        topicmatch_entry_t *before = &entries[*head];
        while ((before->next & INDEX_MASK) != index) {
            before = &entries[before->next & INDEX_MASK];
        }
        before->next = (uint16_t)((before->next & TOPICMATCH_HASH) | (entry->next & INDEX_MASK));
    }
    get_order(router)[entry->position] = 0;
    if (entry->share != 0) {
        release_word(router, entry->share);
    }
    prune(router, entry->node);
    entry->next = router->entries.free;
    give_back(&router->entries, index);
}

uint16_t topicmatch_router_next(const topicmatch_router_t *router, uint16_t *position) {
    while (*position < router->positions_used) {
        uint16_t entry = get_order(router)[(*position)++];
        if (entry != 0) {
            return entry;
        }
    }
    return 0;
}

size_t topicmatch_router_filter_length(const topicmatch_router_t *router, uint16_t index) {
    const topicmatch_node_t *nodes = get_nodes(router);
    const topicmatch_word_t *words = get_words(router);
    const topicmatch_entry_t *entry = &get_entries(router)[index];
    // Each level counts for itself and a slash, and there is a slash less than levels.
    size_t length = (entry->next & TOPICMATCH_HASH) != 0 ? 2 : 0;
    for (uint16_t i = entry->node; i != ROOT; i = nodes[i].parent) {
        length += (nodes[i].word == PLUS ? 1 : words[nodes[i].word].length) + 1u;
    }
    if (entry->share != 0) {
        length += SHARE_PREFIX_LENGTH + words[entry->share].length + 1;
    }
    return length - 1;
}

void topicmatch_router_filter(const topicmatch_router_t *router, uint16_t index, uint8_t *buffer) {
    const topicmatch_node_t *nodes = get_nodes(router);
    const topicmatch_word_t *words = get_words(router);
    const topicmatch_entry_t *entry = &get_entries(router)[index];
    if (entry->share != 0) {
        const topicmatch_word_t *share = &words[entry->share];
        memcpy(buffer, share_prefix, SHARE_PREFIX_LENGTH);
        memcpy(buffer + SHARE_PREFIX_LENGTH, router->text + share->text, share->length);
        buffer[SHARE_PREFIX_LENGTH + share->length] = '/';
    }
    // The levels are written from the end, since nodes know their parents.
    uint8_t *end = buffer + topicmatch_router_filter_length(router, index);
    if ((entry->next & TOPICMATCH_HASH) != 0) {
        *--end = '#';
        if (entry->node != ROOT) {
            *--end = '/';
        }
    }
    for (uint16_t i = entry->node; i != ROOT; i = nodes[i].parent) {
        if (nodes[i].word == PLUS) {
            *--end = '+';
        } else {
            const topicmatch_word_t *word = &words[nodes[i].word];
            end -= word->length;
            memcpy(end, router->text + word->text, word->length);
        }
        if (nodes[i].parent != ROOT) {
            *--end = '/';
        }
    }
}

// ---------------------------------------------------------------------------------------------
// Router: searching
// ---------------------------------------------------------------------------------------------

// Finds the words of the topic's levels as far down as the tree goes; returns their number, or one
// more if there are more. `*plain` is true only if every byte of the topic is plain.
static uint32_t find_level_words(const topicmatch_router_t *router, const uint8_t *p,
                                 const uint8_t *end, bool *plain) {
    uint16_t *level_words = get_level_words(router);
    uint32_t depth = router->depth;
    *plain = true;
    for (uint32_t level = 0; level < depth; level++) {
        uint32_t hash;
        const uint8_t *level_end = scan_level(p, end, &hash, plain);
        level_words[level] = find_word(router, p, (size_t)(level_end - p), hash);
        if (level_end == end) {
            return level + 1;
        }
        p = level_end + 1;
    }
    *plain = false; // not all of it was seen
    return depth + 1;
}

// Visits every node that the topic's levels lead to, and keeps the positions of its entries.
static size_t find_entries(topicmatch_router_t *router, const uint8_t *topic, uint32_t levels) {
    const tree_t tree = get_tree(router);
    const topicmatch_entry_t *entries = get_entries(router);
    const uint16_t *level_words = get_level_words(router);
    branch_t *const branches = get_branches(router);
    branch_t *last_branch = branches;
    uint16_t *const found = get_found(router);
    uint16_t *last_found = found;
    const uint32_t deepest = levels < router->depth ? levels : router->depth;
    uint32_t level = 0;
    uint32_t index = ROOT;
    if (*topic == '$') { // [MQTT-4.7.2-1]
        index = deepest == 0 ? 0 : find_child(&tree, ROOT, level_words[0]);
        if (index == 0) {
            return 0;
        }
        level = 1;
    }
    for (;;) {
        const topicmatch_node_t *node = &tree.nodes[index];
        for (uint32_t i = node->entry; i != 0; i = entries[i].next & INDEX_MASK) {
            if (level == levels || (entries[i].next & TOPICMATCH_HASH) != 0) {
                *last_found++ = entries[i].position;
            }
        }
        if (level < deepest) {
            uint32_t word = level_words[level++];
            if (node->plus != 0) {
                *last_branch++ = (branch_t){node->plus, (uint16_t)level};
            }
            if (word != 0 && node->children != 0) {
                uint32_t child = find_child(&tree, index, word);
                if (child != 0) {
                    index = child;
                    continue;
                }
            }
        }
        if (last_branch == branches) {
            return (size_t)(last_found - found);
        }
        last_branch--;
        index = last_branch->node;
        level = last_branch->level;
    }
}

// Puts the positions found into ascending order.
static void sort_found(topicmatch_router_t *router, size_t count) {
    uint16_t *found = get_found(router);
    size_t sorted = 1;
    while (sorted < count && found[sorted - 1] < found[sorted]) {
        sorted++;
    }
    if (sorted >= count) {
        return;
    }
    if (count * count / 4 < router->positions_used) {
        for (; sorted < count; sorted++) {
            uint16_t position = found[sorted];
            size_t i = sorted;
            for (; i > 0 && found[i - 1] > position; i--) {
                found[i] = found[i - 1];
            }
            found[i] = position;
        }
        return;
    }
    // Many: mark them in the order of insertion and collect the marks.
    uint16_t *order = get_order(router);
    for (size_t i = 0; i < count; i++) {
        order[found[i]] |= TOPICMATCH_HASH;
    }
    size_t collected = 0;
    for (uint16_t i = 0; collected < count; i++) {
        if ((order[i] & TOPICMATCH_HASH) != 0) {
            order[i] &= INDEX_MASK;
            found[collected++] = i;
        }
    }
}

topicmatch_error_t topicmatch_router_match(topicmatch_router_t *router, const uint8_t *topic,
                                           size_t length, size_t *count) {
    *count = 0;
    bool plain = false;
    uint32_t levels = 0;
    if (length - 1 < TOPICMATCH_MAX_LENGTH && router->entries.live != 0) {
        levels = find_level_words(router, topic, topic + length, &plain);
    }
    if (!plain) {
        topicmatch_error_t error = topicmatch_check_topic(topic, length, false);
        if (error != TOPICMATCH_OK || router->entries.live == 0) {
            return error;
        }
    }
    *count = find_entries(router, topic, levels);
    sort_found(router, *count);
    return TOPICMATCH_OK;
}

uint16_t topicmatch_router_found(const topicmatch_router_t *router, size_t i) {
    return get_order(router)[get_found(router)[i]];
}

// ---------------------------------------------------------------------------------------------
// Router: life
// ---------------------------------------------------------------------------------------------

void topicmatch_router_init(topicmatch_router_t *router, uint16_t max_levels) {
    *router = (topicmatch_router_t){.max_levels = max_levels};
}

// Of the subscriptions that we looked at, one takes 2 to 4 nodes of its own, and 1 to 2 words of
// 8 bytes. 32,767 filters have no more than 65,534 nodes, or they could not be added.
bool topicmatch_router_reserve(topicmatch_router_t *router, uint16_t filters) {
    uint32_t depth = router->max_levels < 8 ? router->max_levels : 8;
    uint32_t nodes = 3u * filters < MAX_HASHED ? 3u * filters : MAX_HASHED - 1;
    return reserve_entries(router, filters, depth) && reserve_nodes(router, nodes) &&
           reserve_words(router, 3u * filters / 2) && reserve_text(router, 12u * filters);
}

// Gives all records back: zero is record 0 at first, and an empty table.
static void empty_pool(topicmatch_pool_t *pool, size_t size) {
    if (pool->records != NULL) {
        memset(pool->records, 0, size);
        pool->used = 1;
        pool->free = 0;
        pool->live = 0;
    }
}

void topicmatch_router_clear(topicmatch_router_t *router) {
    empty_pool(&router->nodes, hashed_size(router->nodes.capacity, sizeof(topicmatch_node_t)));
    empty_pool(&router->words, hashed_size(router->words.capacity, sizeof(topicmatch_word_t)));
    empty_pool(&router->entries, sizeof(topicmatch_entry_t));
    router->text_used = 0;
    router->positions_used = 0;
}

size_t topicmatch_router_size(const topicmatch_router_t *router) {
    return hashed_size(router->nodes.capacity, sizeof(topicmatch_node_t)) +
           hashed_size(router->words.capacity, sizeof(topicmatch_word_t)) +
           entries_size(router->entries.capacity, router->depth) + router->text_capacity;
}
