// The module `_topicmatch`: topicmatch.c for Python. What its functions do is documented in
// modules/topicmatch_py.py, which does the same in Python.

#include "topicmatch.h"

#include "py/cstack.h"
#include "py/objlist.h"
#include "py/objstr.h"
#include "py/runtime.h"

// Handlers that are called without allocating memory for them.
#define HANDLERS_ON_STACK (8)

#define DEFAULT_MAX_LEVELS (32)

typedef struct _router_obj_t {
    mp_obj_base_t base;
    topicmatch_router_t router;
    mp_obj_t *values; // by entry
    size_t values_capacity;
} router_obj_t;

typedef struct {
    const uint8_t *bytes;
    size_t length;
} text_t;

void *topicmatch_resize(void *block, size_t old_size, size_t new_size) {
    (void)old_size; // not looked at in every configuration
    return m_renew_maybe(uint8_t, block, old_size, new_size, true);
}

// ---------------------------------------------------------------------------------------------
// Arguments and errors
// ---------------------------------------------------------------------------------------------

static text_t get_text(mp_obj_t obj) {
    static const mp_obj_type_t *const types[] = {&mp_type_str, &mp_type_bytes, &mp_type_bytearray,
                                                 &mp_type_memoryview};
    mp_obj_t type = MP_OBJ_FROM_PTR(mp_obj_get_type(obj));
    mp_buffer_info_t buffer;
    for (size_t i = 0; i < MP_ARRAY_SIZE(types); i++) {
        if (mp_obj_is_subclass_fast(type, MP_OBJ_FROM_PTR(types[i])) &&
            mp_get_buffer(obj, &buffer, MP_BUFFER_READ)) {
            return (text_t){buffer.buf, buffer.len};
        }
    }
    mp_raise_TypeError(MP_ERROR_TEXT("str or bytes-like needed"));
}

static const char in_filter[] = "filter: ";
static const char in_topic[] = "topic: ";

static void check(topicmatch_error_t error, const char *where) {
    static const char *const reasons[] = {
        [TOPICMATCH_EMPTY] = "empty",
        [TOPICMATCH_TOO_LONG] = "too long",
        [TOPICMATCH_NUL] = "NUL",
        [TOPICMATCH_UTF8] = "utf8",
        [TOPICMATCH_WILDCARD] = "wildcard",
        [TOPICMATCH_SHARE] = "share",
        [TOPICMATCH_LEVELS] = "too many levels",
    };
    if (error == TOPICMATCH_MEMORY) {
        mp_raise_msg(&mp_type_MemoryError, MP_ERROR_TEXT("memory allocation failed"));
    }
    if (error != TOPICMATCH_OK) {
        mp_raise_msg_varg(&mp_type_ValueError, MP_ERROR_TEXT("%s%s"), where, reasons[error]);
    }
}

enum { FLAG_SHARED, FLAG_STRICT, FLAG_COUNT };

static const mp_arg_t flags[FLAG_COUNT] = {
    [FLAG_SHARED] = {MP_QSTR_shared, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = true}},
    [FLAG_STRICT] = {MP_QSTR_strict, MP_ARG_KW_ONLY | MP_ARG_BOOL, {.u_bool = false}},
};

// Reads the keyword-only arguments from `first` to `last` that follow `positional` others.
static void get_flags(size_t positional, size_t n_args, const mp_obj_t *args, mp_map_t *keywords,
                      int first, int last, mp_arg_val_t *values) {
    for (int i = 0; i < FLAG_COUNT; i++) {
        values[i] = flags[i].defval;
    }
    if (n_args > positional || keywords->used != 0) {
        mp_arg_parse_all(n_args - positional, args + positional, keywords,
                         (size_t)(last - first + 1), &flags[first], &values[first]);
    }
}

// ---------------------------------------------------------------------------------------------
// Functions
// ---------------------------------------------------------------------------------------------

static mp_obj_t match(size_t n_args, const mp_obj_t *args, mp_map_t *keywords) {
    mp_arg_val_t values[FLAG_COUNT];
    get_flags(2, n_args, args, keywords, FLAG_SHARED, FLAG_SHARED, values);
    bool shared = values[FLAG_SHARED].u_bool;
    text_t filter = get_text(args[0]);
    text_t topic = get_text(args[1]);
    check(topicmatch_check_filter(filter.bytes, filter.length, shared, false), in_filter);
    check(topicmatch_check_topic(topic.bytes, topic.length, false), in_topic);
    size_t prefix = shared ? topicmatch_share_length(filter.bytes, filter.length) : 0;
    return mp_obj_new_bool(topicmatch_match(filter.bytes + prefix, filter.length - prefix,
                                            topic.bytes, topic.length));
}
static MP_DEFINE_CONST_FUN_OBJ_KW(match_obj, 2, match);

static topicmatch_error_t check_filter(size_t n_args, const mp_obj_t *args, mp_map_t *keywords) {
    mp_arg_val_t values[FLAG_COUNT];
    get_flags(1, n_args, args, keywords, FLAG_SHARED, FLAG_STRICT, values);
    text_t filter = get_text(args[0]);
    return topicmatch_check_filter(filter.bytes, filter.length, values[FLAG_SHARED].u_bool,
                                   values[FLAG_STRICT].u_bool);
}

static topicmatch_error_t check_topic(size_t n_args, const mp_obj_t *args, mp_map_t *keywords) {
    mp_arg_val_t values[FLAG_COUNT];
    get_flags(1, n_args, args, keywords, FLAG_STRICT, FLAG_STRICT, values);
    text_t topic = get_text(args[0]);
    return topicmatch_check_topic(topic.bytes, topic.length, values[FLAG_STRICT].u_bool);
}

static mp_obj_t validate_filter(size_t n_args, const mp_obj_t *args, mp_map_t *keywords) {
    check(check_filter(n_args, args, keywords), "");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(validate_filter_obj, 1, validate_filter);

static mp_obj_t validate_topic(size_t n_args, const mp_obj_t *args, mp_map_t *keywords) {
    check(check_topic(n_args, args, keywords), "");
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(validate_topic_obj, 1, validate_topic);

static mp_obj_t is_filter(size_t n_args, const mp_obj_t *args, mp_map_t *keywords) {
    return mp_obj_new_bool(check_filter(n_args, args, keywords) == TOPICMATCH_OK);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(is_filter_obj, 1, is_filter);

static mp_obj_t is_topic(size_t n_args, const mp_obj_t *args, mp_map_t *keywords) {
    return mp_obj_new_bool(check_topic(n_args, args, keywords) == TOPICMATCH_OK);
}
static MP_DEFINE_CONST_FUN_OBJ_KW(is_topic_obj, 1, is_topic);

static mp_obj_t split_share(mp_obj_t filter_obj) {
    text_t filter = get_text(filter_obj);
    check(topicmatch_check_filter(filter.bytes, filter.length, true, false), "");
    bool is_str = mp_obj_is_subclass_fast(MP_OBJ_FROM_PTR(mp_obj_get_type(filter_obj)),
                                          MP_OBJ_FROM_PTR(&mp_type_str));
    const mp_obj_type_t *type = is_str ? &mp_type_str : &mp_type_bytes;
    size_t prefix = topicmatch_share_length(filter.bytes, filter.length);
    mp_obj_t parts[2] = {mp_const_none};
    if (prefix != 0) {
        size_t name = sizeof("$share/") - 1;
        parts[0] = mp_obj_new_str_copy(type, filter.bytes + name, prefix - name - 1);
    }
    parts[1] = mp_obj_new_str_copy(type, filter.bytes + prefix, filter.length - prefix);
    return mp_obj_new_tuple(2, parts);
}
static MP_DEFINE_CONST_FUN_OBJ_1(split_share_obj, split_share);

// ---------------------------------------------------------------------------------------------
// Router: filters and values
// ---------------------------------------------------------------------------------------------

// Returns the int, or -1 if it is not from 0 to 65535. Raises TypeError for another type.
static mp_int_t get_size(mp_obj_t obj) {
    mp_int_t value = mp_obj_get_int_truncated(obj);
    if (value < 0 || value > UINT16_MAX || !mp_obj_equal(obj, MP_OBJ_NEW_SMALL_INT(value))) {
        return -1;
    }
    return value;
}

static mp_obj_t router_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                                const mp_obj_t *args) {
    enum { ARG_CAPACITY, ARG_MAX_LEVELS };
    static const mp_arg_t allowed[] = {
        {MP_QSTR_capacity, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(0)}},
        {MP_QSTR_max_levels, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_INT(DEFAULT_MAX_LEVELS)}},
    };
    mp_arg_val_t values[MP_ARRAY_SIZE(allowed)];
    mp_arg_parse_all_kw_array(n_args, n_kw, args, MP_ARRAY_SIZE(allowed), allowed, values);
    mp_int_t capacity = get_size(values[ARG_CAPACITY].u_obj);
    mp_int_t max_levels = get_size(values[ARG_MAX_LEVELS].u_obj);
    if (capacity < 0 || capacity > INT16_MAX || max_levels < 1) {
        mp_raise_ValueError(MP_ERROR_TEXT("capacity from 0 to 32767, max_levels from 1 to 65535"));
    }
    router_obj_t *self = mp_obj_malloc(router_obj_t, type);
    self->values = NULL;
    self->values_capacity = 0;
    topicmatch_router_init(&self->router, (uint16_t)max_levels);
    if (capacity != 0) {
        if (!topicmatch_router_reserve(&self->router, (uint16_t)capacity)) {
            check(TOPICMATCH_MEMORY, in_filter);
        }
        self->values = m_new0(mp_obj_t, self->router.entries.capacity);
        self->values_capacity = self->router.entries.capacity;
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_t router_add(mp_obj_t self_in, mp_obj_t filter_obj, mp_obj_t value) {
    router_obj_t *self = MP_OBJ_TO_PTR(self_in);
    text_t filter = get_text(filter_obj);
    uint16_t entry;
    check(topicmatch_router_add(&self->router, filter.bytes, filter.length, &entry), in_filter);
    if (entry >= self->values_capacity) {
        size_t capacity = self->router.entries.capacity;
        mp_obj_t *values =
            m_renew_maybe(mp_obj_t, self->values, self->values_capacity, capacity, true);
        if (values == NULL) {
            topicmatch_router_remove(&self->router, entry);
            check(TOPICMATCH_MEMORY, in_filter);
        }
        for (size_t i = self->values_capacity; i < capacity; i++) {
            values[i] = MP_OBJ_NULL;
        }
        self->values = values;
        self->values_capacity = capacity;
    }
    self->values[entry] = value;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_3(router_add_obj, router_add);

// Returns 0 if the router has no equal filter.
static uint16_t find_entry(router_obj_t *self, mp_obj_t filter_obj) {
    text_t filter = get_text(filter_obj);
    uint16_t entry;
    check(topicmatch_router_find(&self->router, filter.bytes, filter.length, &entry), in_filter);
    return entry;
}

static uint16_t find_entry_or_raise(router_obj_t *self, mp_obj_t filter_obj) {
    uint16_t entry = find_entry(self, filter_obj);
    if (entry == 0) {
        mp_raise_type_arg(&mp_type_KeyError, filter_obj);
    }
    return entry;
}

static mp_obj_t router_remove(mp_obj_t self_in, mp_obj_t filter_obj) {
    router_obj_t *self = MP_OBJ_TO_PTR(self_in);
    uint16_t entry = find_entry_or_raise(self, filter_obj);
    topicmatch_router_remove(&self->router, entry);
    self->values[entry] = MP_OBJ_NULL;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(router_remove_obj, router_remove);

static mp_obj_t router_get(size_t n_args, const mp_obj_t *args) {
    router_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    uint16_t entry = find_entry(self, args[1]);
    if (entry == 0) {
        return n_args == 3 ? args[2] : mp_const_none;
    }
    return self->values[entry];
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(router_get_obj, 2, 3, router_get);

static mp_obj_t router_clear(mp_obj_t self_in) {
    router_obj_t *self = MP_OBJ_TO_PTR(self_in);
    topicmatch_router_clear(&self->router);
    for (size_t i = 0; i < self->values_capacity; i++) {
        self->values[i] = MP_OBJ_NULL;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_1(router_clear_obj, router_clear);

static mp_obj_t make_list(router_obj_t *self, bool with_values) {
    mp_obj_t list = mp_obj_new_list(0, NULL);
    uint16_t position = 0;
    uint16_t entry;
    while ((entry = topicmatch_router_next(&self->router, &position)) != 0) {
        vstr_t filter;
        vstr_init_len(&filter, topicmatch_router_filter_length(&self->router, entry));
        topicmatch_router_filter(&self->router, entry, (uint8_t *)filter.buf);
        mp_obj_t item = mp_obj_new_bytes_from_vstr(&filter);
        if (with_values) {
            mp_obj_t pair[2] = {item, self->values[entry]};
            item = mp_obj_new_tuple(2, pair);
        }
        mp_obj_list_append(list, item);
    }
    return list;
}

static mp_obj_t router_items(mp_obj_t self_in) {
    return make_list(MP_OBJ_TO_PTR(self_in), true);
}
static MP_DEFINE_CONST_FUN_OBJ_1(router_items_obj, router_items);

static mp_obj_t router_getiter(mp_obj_t self_in, mp_obj_iter_buf_t *buffer) {
    return mp_getiter(make_list(MP_OBJ_TO_PTR(self_in), false), buffer);
}

static mp_obj_t router_stats(mp_obj_t self_in) {
    router_obj_t *self = MP_OBJ_TO_PTR(self_in);
    size_t bytes = sizeof(*self) + topicmatch_router_size(&self->router) +
                   self->values_capacity * sizeof(mp_obj_t);
    mp_obj_t stats[] = {
        MP_OBJ_NEW_SMALL_INT(self->router.entries.live),
        MP_OBJ_NEW_SMALL_INT(self->router.nodes.live),
        MP_OBJ_NEW_SMALL_INT(self->router.words.live),
        mp_obj_new_int_from_uint(bytes),
    };
    return mp_obj_new_tuple(MP_ARRAY_SIZE(stats), stats);
}
static MP_DEFINE_CONST_FUN_OBJ_1(router_stats_obj, router_stats);

static mp_obj_t router_subscr(mp_obj_t self_in, mp_obj_t filter, mp_obj_t value) {
    if (value == MP_OBJ_NULL) {
        return router_remove(self_in, filter);
    }
    if (value == MP_OBJ_SENTINEL) {
        router_obj_t *self = MP_OBJ_TO_PTR(self_in);
        return self->values[find_entry_or_raise(self, filter)];
    }
    return router_add(self_in, filter, value);
}

static mp_obj_t router_unary_op(mp_unary_op_t op, mp_obj_t self_in) {
    router_obj_t *self = MP_OBJ_TO_PTR(self_in);
    switch (op) {
    case MP_UNARY_OP_LEN:
        return MP_OBJ_NEW_SMALL_INT(self->router.entries.live);
    case MP_UNARY_OP_BOOL:
        return mp_obj_new_bool(self->router.entries.live != 0);
    case MP_UNARY_OP_HASH: // of the object, not of what it holds: it can be a key, as any object
        return MP_OBJ_NEW_SMALL_INT((mp_int_t)((uintptr_t)self >> 1));
    default:
        return MP_OBJ_NULL; // not supported
    }
}

static mp_obj_t router_binary_op(mp_binary_op_t op, mp_obj_t self_in, mp_obj_t filter) {
    if (op != MP_BINARY_OP_CONTAINS) {
        return MP_OBJ_NULL; // not supported
    }
    return mp_obj_new_bool(find_entry(MP_OBJ_TO_PTR(self_in), filter) != 0);
}

// ---------------------------------------------------------------------------------------------
// Router: searching
// ---------------------------------------------------------------------------------------------

static size_t search(router_obj_t *self, mp_obj_t topic_obj) {
    text_t topic = get_text(topic_obj);
    size_t count;
    check(topicmatch_router_match(&self->router, topic.bytes, topic.length, &count), in_topic);
    return count;
}

// The search must have been the last use of the router.
static void copy_found(router_obj_t *self, size_t count, mp_obj_t *values) {
    for (size_t i = 0; i < count; i++) {
        values[i] = self->values[topicmatch_router_found(&self->router, i)];
    }
}

static mp_obj_t router_match(size_t n_args, const mp_obj_t *args, mp_map_t *keywords) {
    router_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_arg_val_t out = {.u_obj = mp_const_none};
    if (n_args > 2 || keywords->used != 0) {
        static const mp_arg_t allowed[] = {
            {MP_QSTR_out, MP_ARG_OBJ, {.u_rom_obj = MP_ROM_NONE}},
        };
        mp_arg_parse_all(n_args - 2, args + 2, keywords, 1, allowed, &out);
    }
    size_t count = search(self, args[1]);
    if (out.u_obj == mp_const_none) {
        mp_obj_list_t *list = MP_OBJ_TO_PTR(mp_obj_new_list(count, NULL));
        copy_found(self, count, list->items);
        return MP_OBJ_FROM_PTR(list);
    }
    mp_obj_t native = mp_obj_cast_to_native_base(out.u_obj, MP_OBJ_FROM_PTR(&mp_type_list));
    if (native == MP_OBJ_NULL) {
        mp_raise_TypeError(MP_ERROR_TEXT("out: list needed"));
    }
    mp_obj_list_t *list = MP_OBJ_TO_PTR(native);
    if (list->alloc < count) {
        list->items = m_renew(mp_obj_t, list->items, list->alloc, count);
        list->alloc = count;
    }
    copy_found(self, count, list->items);
    for (size_t i = count; i < list->len; i++) {
        list->items[i] = MP_OBJ_NULL;
    }
    list->len = count;
    return out.u_obj;
}
static MP_DEFINE_CONST_FUN_OBJ_KW(router_match_obj, 2, router_match);

static mp_obj_t router_first(size_t n_args, const mp_obj_t *args) {
    router_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    mp_obj_t first = n_args == 3 ? args[2] : mp_const_none;
    if (search(self, args[1]) != 0) {
        copy_found(self, 1, &first);
    }
    return first;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(router_first_obj, 2, 3, router_first);

static mp_obj_t router_any(mp_obj_t self_in, mp_obj_t topic) {
    return mp_obj_new_bool(search(MP_OBJ_TO_PTR(self_in), topic) != 0);
}
static MP_DEFINE_CONST_FUN_OBJ_2(router_any_obj, router_any);

static mp_obj_t router_call(size_t n_args, const mp_obj_t *args) {
    mp_cstack_check(); // a handler may be a router's `call`
    router_obj_t *self = MP_OBJ_TO_PTR(args[0]);
    size_t count = search(self, args[1]);
    // All handlers are copied before the first is called, since it may change the router.
    mp_obj_t few[HANDLERS_ON_STACK];
    mp_obj_t *handlers = count <= HANDLERS_ON_STACK ? few : m_new(mp_obj_t, count);
    copy_found(self, count, handlers);
    for (size_t i = 0; i < count; i++) {
        mp_call_function_n_kw(handlers[i], n_args - 2, 0, args + 2);
    }
    if (handlers != few) {
        m_del(mp_obj_t, handlers, count);
    }
    return MP_OBJ_NEW_SMALL_INT(count);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR(router_call_obj, 2, router_call);

static const mp_rom_map_elem_t router_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_add), MP_ROM_PTR(&router_add_obj)},
    {MP_ROM_QSTR(MP_QSTR_remove), MP_ROM_PTR(&router_remove_obj)},
    {MP_ROM_QSTR(MP_QSTR_get), MP_ROM_PTR(&router_get_obj)},
    {MP_ROM_QSTR(MP_QSTR_items), MP_ROM_PTR(&router_items_obj)},
    {MP_ROM_QSTR(MP_QSTR_clear), MP_ROM_PTR(&router_clear_obj)},
    {MP_ROM_QSTR(MP_QSTR_match), MP_ROM_PTR(&router_match_obj)},
    {MP_ROM_QSTR(MP_QSTR_first), MP_ROM_PTR(&router_first_obj)},
    {MP_ROM_QSTR(MP_QSTR_any), MP_ROM_PTR(&router_any_obj)},
    {MP_ROM_QSTR(MP_QSTR_call), MP_ROM_PTR(&router_call_obj)},
    {MP_ROM_QSTR(MP_QSTR_stats), MP_ROM_PTR(&router_stats_obj)},
};
static MP_DEFINE_CONST_DICT(router_locals, router_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(router_type, MP_QSTR_Router, MP_TYPE_FLAG_ITER_IS_GETITER,
                                make_new, router_make_new, unary_op, router_unary_op, binary_op,
                                router_binary_op, subscr, router_subscr, iter, router_getiter,
                                locals_dict, &router_locals);

static const mp_rom_map_elem_t globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__topicmatch)},
    {MP_ROM_QSTR(MP_QSTR_match), MP_ROM_PTR(&match_obj)},
    {MP_ROM_QSTR(MP_QSTR_validate_filter), MP_ROM_PTR(&validate_filter_obj)},
    {MP_ROM_QSTR(MP_QSTR_validate_topic), MP_ROM_PTR(&validate_topic_obj)},
    {MP_ROM_QSTR(MP_QSTR_is_filter), MP_ROM_PTR(&is_filter_obj)},
    {MP_ROM_QSTR(MP_QSTR_is_topic), MP_ROM_PTR(&is_topic_obj)},
    {MP_ROM_QSTR(MP_QSTR_split_share), MP_ROM_PTR(&split_share_obj)},
    {MP_ROM_QSTR(MP_QSTR_Router), MP_ROM_PTR(&router_type)},
};
static MP_DEFINE_CONST_DICT(globals, globals_table);

const mp_obj_module_t topicmatch_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&globals,
};

MP_REGISTER_MODULE(MP_QSTR__topicmatch, topicmatch_module);
