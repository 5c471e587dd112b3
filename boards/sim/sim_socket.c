// The module `socket`, over the host's sockets, with the habits of ports/esp32/modsocket.c
// and lwIP as ESP-IDF configures it:
//
// - a blocking call waits in slices of 100 ms and lets scheduled callbacks run between them;
// - setblocking(True) is settimeout(None): it wipes a timeout;
// - ten sockets at most, then ENFILE; a send buffer of 5760 bytes, so writes may be partial;
// - a refused connection is ECONNRESET, and polls as writable; a name that cannot be
//   resolved is OSError(-202);
// - a connection that was refused or reset has no options any more: EINVAL;
// - while the access point is gone, bytes wait in the send buffer and none arrive; once the
//   board has noticed, connecting fails with EHOSTUNREACH.
//
// Ports below 1024 are the board's own: a server there has a port of the host's choice on the
// loopback interface, which the event `listening` tells. Who comes from 127.0.0.1 is the phone in
// the board's access point, who comes from 127.0.0.9 is 10.0.0.9 in the network that the station
// is in.

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "py/gc.h"
#include "py/mperrno.h"
#include "py/mpthread.h"
#include "py/objlist.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "sim_socket.h"

#define SLICE_MS (100)
#define SOCKETS_MAX (10)   // LWIP_MAX_SOCKETS
#define SEND_BUFFER (5760) // TCP_SND_BUF
#define DNS_FAILED (-202)  // EAI_FAIL of lwIP, negated
#define FOREVER (0xffffffffu)
#define CAPTURE_SLICE (1024u)
#define OWN_PORTS (1024)

// Through which of the radio's two networks a socket's packets go.
typedef enum {
    SIDE_STATION, // the network that the station is in
    SIDE_PHONE,   // the board's access point
    SIDE_BOTH,    // a server on one of the board's own ports
} side_t;

// A connection as the radio sees it. It may outlive its Python object: what is closed
// while the access point is gone is told to the peer when it is back.
typedef struct _link_t {
    bool used;
    bool orphan;       // closed by Python, waiting for the radio
    bool aborted;      // the board's address has changed
    bool connect_held; // connect() was called while packets vanished
    bool begun;        // the host's socket connects, or has connected
    side_t side;
    int fd;
    unsigned serial; // counts sockets from power-on
    struct sockaddr_in peer;
    size_t held_len;
    uint8_t held[SEND_BUFFER]; // sent while packets vanished
} link_t;

typedef enum { SOCKET_NEW, SOCKET_OPEN, SOCKET_AT_END } socket_state_t;

typedef struct _mp_obj_sim_socket_t {
    mp_obj_base_t base;
    link_t *link; // NULL once closed
    uint8_t domain;
    uint8_t type;
    uint8_t protocol;
    uint8_t state;
    uint16_t own_port; // of a server on one of the board's own ports, else 0
    unsigned slices;   // how often a call waits: 0 is non-blocking
} mp_obj_sim_socket_t;

static link_t links[SOCKETS_MAX];
static unsigned sockets_made;
static bool capturing;

extern const mp_obj_type_t sim_socket_type;

// The radio's side, with the world's lock held ------------------------------------

static sim_link_t link_of_locked(const link_t *link) {
    sim_link_t station = sim_wlan_link_locked();
    sim_link_t phone = sim_wlan_phone_link_locked();
    return link->side == SIDE_STATION ? station
           : link->side == SIDE_PHONE ? phone
                                      : MAX(station, phone);
}

static void release_locked(link_t *link) {
    close(link->fd);
    link->used = false;
}

static void flush_locked(link_t *link) {
    while (link->held_len > 0) {
        ssize_t sent = send(link->fd, link->held, link->held_len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) {
            if (sent < 0 && errno != EAGAIN) {
                link->held_len = 0; // the peer is gone; the next call finds out
            }
            return;
        }
        link->held_len -= (size_t)sent;
        memmove(link->held, link->held + sent, link->held_len);
    }
}

static void link_changed_locked(void) {
    for (size_t i = 0; i < SOCKETS_MAX; ++i) {
        link_t *link = &links[i];
        if (!link->used) {
            continue;
        }
        if (link_of_locked(link) != SIM_LINK_UP) {
            if (link->orphan && link->side == SIDE_PHONE &&
                link_of_locked(link) == SIM_LINK_DOWN) {
                release_locked(link); // its network will not come back
            }
            continue;
        }
        if (link->connect_held) {
            link->connect_held = false;
            link->begun = true;
            (void)connect(link->fd, (struct sockaddr *)&link->peer, sizeof(link->peer));
        }
        flush_locked(link);
        if (link->orphan) {
            release_locked(link);
        }
    }
}

static void abort_all_locked(void) {
    for (size_t i = 0; i < SOCKETS_MAX; ++i) {
        links[i].aborted = links[i].used && links[i].side == SIDE_STATION;
    }
}

const sim_wlan_listener_t sim_sockets_on_air = {
    .link_changed_locked = link_changed_locked,
    .address_changed_locked = abort_all_locked,
};

// lwIP knows no refusal: a reset answers a connection attempt.
static int chip_errno(int host_errno) {
    return host_errno == ECONNREFUSED ? ECONNRESET : host_errno;
}

// Tell the test side what crosses the radio, if it has asked for it.
static void capture_locked(const link_t *link, const char *direction, const uint8_t *data,
                           size_t size) {
    static char hex[2 * CAPTURE_SLICE + 1];
    while (capturing && size > 0) {
        size_t len = MIN(size, CAPTURE_SLICE);
        for (size_t i = 0; i < len; ++i) {
            snprintf(hex + 2 * i, 3, "%02x", data[i]);
        }
        sim_emit("\"event\": \"air\", \"direction\": \"%s\", \"connection\": %u, \"data\": \"%s\"",
                 direction, link->serial, hex);
        data += len;
        size -= len;
    }
}

static bool command_locked(const sim_command_t *command) {
    if (strcmp(sim_field(command, "command", ""), "capture") != 0) {
        return false;
    }
    capturing = sim_field_bool(command, "value", true);
    return true;
}

const sim_device_t sim_sockets = {.command_locked = command_locked};

// The side on which a host's address is, which becomes what the board sees.
static side_t to_board_locked(struct sockaddr_in *address) {
    uint32_t host = ntohl(address->sin_addr.s_addr);
    if (host == INADDR_LOOPBACK) {
        address->sin_addr.s_addr = sim_wlan_phone_address_locked();
        return SIDE_PHONE;
    }
    address->sin_addr.s_addr = htonl(0x0a000000u | (host & 0xff));
    return SIDE_STATION;
}

// The other way round.
static void to_host_locked(struct sockaddr_in *address) {
    bool is_phone = address->sin_addr.s_addr == sim_wlan_phone_address_locked();
    uint32_t last = is_phone ? 1 : ntohl(address->sin_addr.s_addr) & 0xff;
    address->sin_addr.s_addr = htonl(0x7f000000u | last);
}

static bool is_side_up_locked(side_t side) {
    return link_of_locked(&(link_t){.side = side}) == SIM_LINK_UP;
}

// Each of these tries once and returns a count, or -1 with errno set.

static ssize_t try_send(link_t *link, const void *data, size_t size) {
    ssize_t result = -1;
    sim_lock();
    sim_link_t state = link_of_locked(link);
    if (link->aborted) {
        errno = ECONNABORTED;
    } else if (state == SIM_LINK_UP && link->held_len == 0) {
        result = send(link->fd, data, MIN(size, SEND_BUFFER), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (result < 0 && (errno == ENOTCONN || errno == EINPROGRESS)) {
            errno = EAGAIN; // connecting
        }
    } else {
        size_t room = SEND_BUFFER - link->held_len;
        result = (ssize_t)MIN(size, room);
        memcpy(link->held + link->held_len, data, (size_t)result);
        link->held_len += (size_t)result;
        if (state == SIM_LINK_UP) {
            flush_locked(link);
        }
        if (result == 0 && size > 0) {
            errno = EAGAIN;
            result = -1;
        }
    }
    if (result > 0) {
        capture_locked(link, "out", data, (size_t)result);
    }
    sim_unlock();
    return result;
}

static ssize_t try_receive(link_t *link, void *data, size_t size, int flags,
                           struct sockaddr_in *from) {
    ssize_t result = -1;
    struct sockaddr_in sender = {0};
    socklen_t sender_len = sizeof(sender);
    sim_lock();
    if (link->aborted) {
        errno = ECONNABORTED;
    } else if (link_of_locked(link) != SIM_LINK_UP) {
        errno = EAGAIN;
    } else {
        flush_locked(link);
        result = recvfrom(link->fd, data, size, flags | MSG_DONTWAIT, (struct sockaddr *)&sender,
                          &sender_len);
        if (result >= 0 && link->side == SIDE_BOTH &&
            !is_side_up_locked(to_board_locked(&sender))) {
            errno = EAGAIN; // it never came through the air
            result = -1;
        }
        if (from != NULL) {
            *from = sender;
        }
        if (result > 0 && !(flags & MSG_PEEK)) {
            capture_locked(link, "in", data, (size_t)result);
        }
    }
    sim_unlock();
    return result;
}

// Wait for the host's socket, at most one slice; what the radio lets through is up to the caller.
static void wait_slice(const link_t *link, short events) {
    struct pollfd fd = {.fd = link->fd, .events = events};
    sim_lock();
    bool silent = link_of_locked(link) != SIM_LINK_UP;
    sim_unlock();
    MP_THREAD_GIL_EXIT();
    if (silent) {
        poll(NULL, 0, SLICE_MS);
    } else {
        poll(&fd, 1, SLICE_MS);
    }
    MP_THREAD_GIL_ENTER();
    mp_handle_pending(true);
}

static int timeout_errno(const mp_obj_sim_socket_t *self) {
    return self->slices == 0 ? MP_EAGAIN : MP_ETIMEDOUT;
}

// Addresses -----------------------------------------------------------------------

static void resolve(mp_obj_t host_in, mp_obj_t port_in, struct sockaddr_in *out) {
    const char *host = mp_obj_str_get_str(host_in);
    int port = mp_obj_get_int(port_in);
    memset(out, 0, sizeof(*out));
    out->sin_family = AF_INET;
    out->sin_port = htons((uint16_t)port);
    if (host[0] == '\0' || inet_pton(AF_INET, host, &out->sin_addr) == 1) {
        return; // an empty host is 0.0.0.0
    }
    sim_lock();
    bool answers = sim_wlan_dns_locked();
    sim_unlock();
    if (answers && strcmp(host, "localhost") == 0) { // RFC 6761, with or without a hosts file
        out->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        return;
    }
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int failed = -1;
    if (answers) {
        MP_THREAD_GIL_EXIT();
        failed = getaddrinfo(host, NULL, &hints, &found);
        MP_THREAD_GIL_ENTER();
    }
    if (failed != 0) {
        mp_raise_OSError(DNS_FAILED);
    }
    out->sin_addr = ((struct sockaddr_in *)found->ai_addr)->sin_addr;
    freeaddrinfo(found);
}

static void resolve_pair(mp_obj_t address_in, struct sockaddr_in *out) {
    mp_obj_t *pair;
    mp_obj_get_array_fixed_n(address_in, 2, &pair);
    resolve(pair[0], pair[1], out);
}

static mp_obj_t address_pair(const struct sockaddr_in *address) {
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &address->sin_addr, text, sizeof(text));
    mp_obj_t pair[2] = {
        mp_obj_new_str_from_cstr(text),
        MP_OBJ_NEW_SMALL_INT(ntohs(address->sin_port)),
    };
    return mp_obj_new_tuple(2, pair);
}

// getaddrinfo(host, port, family=0, type=0, proto=0, flags=0)
static mp_obj_t sim_getaddrinfo(size_t n_args, const mp_obj_t *args) {
    struct sockaddr_in address;
    resolve(args[0], args[1], &address);
    mp_int_t type = n_args > 3 ? mp_obj_get_int(args[3]) : 0;
    mp_obj_t items[5] = {
        MP_OBJ_NEW_SMALL_INT(AF_INET),
        MP_OBJ_NEW_SMALL_INT(type == 0 ? SOCK_STREAM : type),
        n_args > 4 ? args[4] : MP_OBJ_NEW_SMALL_INT(0),
        args[0],
        address_pair(&address),
    };
    mp_obj_t tuple = mp_obj_new_tuple(MP_ARRAY_SIZE(items), items);
    return mp_obj_new_list(1, &tuple);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sim_getaddrinfo_obj, 2, 6, sim_getaddrinfo);

// Sockets -------------------------------------------------------------------------

static link_t *take_link(int fd) {
    link_t *free_link = NULL;
    sim_lock();
    for (size_t i = 0; i < SOCKETS_MAX && free_link == NULL; ++i) {
        if (!links[i].used) {
            free_link = &links[i];
        }
    }
    if (free_link != NULL) {
        memset(free_link, 0, offsetof(link_t, held));
        free_link->used = true;
        free_link->fd = fd;
        free_link->serial = ++sockets_made;
    }
    sim_unlock();
    return free_link;
}

// Give the socket the host's file descriptor, which is closed if there is no place for it.
static void socket_attach(mp_obj_sim_socket_t *self, int fd) {
    if (fd < 0) {
        mp_raise_OSError(errno);
    }
    self->link = take_link(fd);
    if (self->link == NULL) {
        gc_collect(); // as the port does: a forgotten socket may be freed
        self->link = take_link(fd);
    }
    if (self->link == NULL) {
        close(fd);
        mp_raise_OSError(MP_ENFILE);
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
}

static void limit_send_buffer(int fd) {
    // Linux doubles the value; what is below its minimum is raised to it.
    int size = SEND_BUFFER / 2;
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static mp_obj_sim_socket_t *socket_alloc(uint8_t domain, uint8_t type, uint8_t protocol) {
    mp_obj_sim_socket_t *self =
        mp_obj_malloc_with_finaliser(mp_obj_sim_socket_t, &sim_socket_type);
    self->link = NULL;
    self->domain = domain;
    self->type = type;
    self->protocol = protocol;
    self->state = type == SOCK_STREAM ? SOCKET_NEW : SOCKET_OPEN;
    self->own_port = 0;
    self->slices = FOREVER;
    return self;
}

static mp_obj_t socket_make_new(const mp_obj_type_t *type, size_t n_args, size_t n_kw,
                                const mp_obj_t *args) {
    (void)type;
    mp_arg_check_num(n_args, n_kw, 0, 3, false);
    uint8_t domain = n_args > 0 ? (uint8_t)mp_obj_get_int(args[0]) : AF_INET;
    uint8_t kind = n_args > 1 ? (uint8_t)mp_obj_get_int(args[1]) : SOCK_STREAM;
    uint8_t protocol = n_args > 2 ? (uint8_t)mp_obj_get_int(args[2]) : 0;
    mp_obj_sim_socket_t *self = socket_alloc(domain, kind, protocol);
    socket_attach(self, socket(domain, kind | SOCK_CLOEXEC, protocol));
    if (kind == SOCK_STREAM) {
        limit_send_buffer(self->link->fd);
    }
    return MP_OBJ_FROM_PTR(self);
}

static mp_obj_sim_socket_t *get_open(mp_obj_t self_in) {
    mp_obj_sim_socket_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->link == NULL) {
        mp_raise_OSError(MP_EBADF);
    }
    return self;
}

static void tell_port(const mp_obj_sim_socket_t *self) {
    struct sockaddr_in address;
    socklen_t len = sizeof(address);
    getsockname(self->link->fd, (struct sockaddr *)&address, &len);
    sim_lock();
    sim_emit("\"event\": \"listening\", \"port\": %u, \"at\": %u", self->own_port,
             ntohs(address.sin_port));
    sim_unlock();
}

static mp_obj_t socket_bind(mp_obj_t self_in, mp_obj_t address_in) {
    mp_obj_sim_socket_t *self = get_open(self_in);
    struct sockaddr_in address;
    resolve_pair(address_in, &address);
    self->state = SOCKET_OPEN;
    uint16_t port = ntohs(address.sin_port);
    if (port > 0 && port < OWN_PORTS) {
        self->own_port = port;
        self->link->side = SIDE_BOTH;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = 0;
    }
    if (bind(self->link->fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        mp_raise_OSError(errno);
    }
    if (self->own_port != 0 && self->type == SOCK_DGRAM) {
        tell_port(self);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_bind_obj, socket_bind);

static mp_obj_t socket_listen(size_t n_args, const mp_obj_t *args) {
    mp_obj_sim_socket_t *self = get_open(args[0]);
    self->state = SOCKET_OPEN;
    if (listen(self->link->fd, n_args > 1 ? mp_obj_get_int(args[1]) : 2) != 0) {
        mp_raise_OSError(errno);
    }
    if (self->own_port != 0) {
        tell_port(self);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(socket_listen_obj, 1, 2, socket_listen);

// The next connection's file descriptor, or -1 with errno set.
static int try_accept(const link_t *link, struct sockaddr_in *peer, side_t *side) {
    socklen_t len = sizeof(*peer);
    *side = SIDE_STATION;
    sim_lock();
    bool is_own = link->side == SIDE_BOTH;
    int fd = -1;
    errno = EAGAIN;
    if (!is_own || link_of_locked(link) == SIM_LINK_UP) {
        fd = accept4(link->fd, (struct sockaddr *)peer, &len, SOCK_CLOEXEC);
    }
    if (fd >= 0 && is_own) {
        *side = to_board_locked(peer);
        if (!is_side_up_locked(*side)) {
            close(fd); // it never came through the air
            fd = -1;
            errno = EAGAIN;
        }
    }
    sim_unlock();
    return fd;
}

static mp_obj_t socket_accept(mp_obj_t self_in) {
    mp_obj_sim_socket_t *self = get_open(self_in);
    struct sockaddr_in peer;
    side_t side;
    int fd = -1;
    for (unsigned i = 0;; ++i) {
        fd = try_accept(self->link, &peer, &side);
        if (fd >= 0) {
            break;
        }
        if (errno != EAGAIN && errno != EINTR) {
            mp_raise_OSError(errno);
        }
        if (i >= self->slices) {
            mp_raise_OSError(timeout_errno(self));
        }
        wait_slice(self->link, POLLIN);
    }
    mp_obj_sim_socket_t *client = socket_alloc(self->domain, self->type, self->protocol);
    socket_attach(client, fd);
    client->state = SOCKET_OPEN;
    client->link->begun = true;
    client->link->side = side;
    limit_send_buffer(fd);
    mp_obj_t pair[2] = {MP_OBJ_FROM_PTR(client), address_pair(&peer)};
    return mp_obj_new_tuple(2, pair);
}
static MP_DEFINE_CONST_FUN_OBJ_1(socket_accept_obj, socket_accept);

// Begin to connect; 0, or the errno.
static int start_connecting(link_t *link) {
    int result = 0;
    sim_lock();
    switch (sim_wlan_link_locked()) {
    case SIM_LINK_DOWN:
        result = EHOSTUNREACH;
        break;
    case SIM_LINK_SILENT:
        link->connect_held = true;
        result = EINPROGRESS;
        break;
    default:
        link->begun = true;
        if (connect(link->fd, (struct sockaddr *)&link->peer, sizeof(link->peer)) != 0) {
            result = chip_errno(errno);
        }
        break;
    }
    sim_unlock();
    return result;
}

// Whether the attempt is over; *result is then 0 or the errno.
static bool connecting_is_over(link_t *link, int *result) {
    struct pollfd fd = {.fd = link->fd, .events = POLLOUT};
    sim_lock();
    bool silent = link->connect_held || link_of_locked(link) != SIM_LINK_UP;
    sim_unlock();
    if (silent || poll(&fd, 1, 0) <= 0) {
        return false;
    }
    socklen_t len = sizeof(*result);
    getsockopt(link->fd, SOL_SOCKET, SO_ERROR, result, &len);
    *result = chip_errno(*result);
    return true;
}

static mp_obj_t socket_connect(mp_obj_t self_in, mp_obj_t address_in) {
    mp_obj_sim_socket_t *self = get_open(self_in);
    resolve_pair(address_in, &self->link->peer);
    self->state = SOCKET_OPEN;
    int result = start_connecting(self->link);
    if (result == EINPROGRESS && self->slices > 0) {
        unsigned i = 0;
        while (!connecting_is_over(self->link, &result)) {
            if (i++ >= self->slices) {
                mp_raise_OSError(MP_ETIMEDOUT);
            }
            wait_slice(self->link, POLLOUT);
        }
    }
    if (result != 0) {
        mp_raise_OSError(result);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_connect_obj, socket_connect);

static mp_uint_t socket_receive(mp_obj_sim_socket_t *self, void *data, size_t size, int flags,
                                struct sockaddr_in *from, int *errcode) {
    if (self->state == SOCKET_NEW) {
        *errcode = MP_ENOTCONN;
        return MP_STREAM_ERROR;
    }
    if (self->state == SOCKET_AT_END) {
        return 0;
    }
    for (unsigned i = 0;; ++i) {
        ssize_t got = try_receive(self->link, data, size, flags & MSG_PEEK, from);
        if (got > 0 || (got == 0 && (size == 0 || self->type != SOCK_STREAM))) {
            return (mp_uint_t)got;
        }
        if (got == 0) {
            self->state = SOCKET_AT_END;
            return 0;
        }
        if (errno != EAGAIN && errno != EINTR) {
            *errcode = chip_errno(errno);
            return MP_STREAM_ERROR;
        }
        if (i >= self->slices || (flags & MSG_DONTWAIT)) {
            *errcode = timeout_errno(self);
            return MP_STREAM_ERROR;
        }
        wait_slice(self->link, POLLIN);
    }
}

static mp_obj_t receive_bytes(size_t n_args, const mp_obj_t *args, struct sockaddr_in *from) {
    mp_obj_sim_socket_t *self = get_open(args[0]);
    vstr_t text;
    vstr_init_len(&text, (size_t)mp_obj_get_int(args[1]));
    int errcode;
    mp_uint_t got = socket_receive(self, text.buf, text.len,
                                   n_args > 2 ? mp_obj_get_int(args[2]) : 0, from, &errcode);
    if (got == MP_STREAM_ERROR) {
        mp_raise_OSError(errcode);
    }
    text.len = got;
    return mp_obj_new_bytes_from_vstr(&text);
}

static mp_obj_t socket_recv(size_t n_args, const mp_obj_t *args) {
    return receive_bytes(n_args, args, NULL);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(socket_recv_obj, 2, 3, socket_recv);

static mp_obj_t socket_recvfrom(size_t n_args, const mp_obj_t *args) {
    struct sockaddr_in from = {0};
    mp_obj_t pair[2] = {receive_bytes(n_args, args, &from), mp_const_none};
    pair[1] = address_pair(&from);
    return mp_obj_new_tuple(2, pair);
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(socket_recvfrom_obj, 2, 3, socket_recvfrom);

// Send what fits within the socket's timeout; the count, or MP_STREAM_ERROR if it is none.
static mp_uint_t socket_transmit(mp_obj_sim_socket_t *self, const uint8_t *data, size_t size,
                                 bool all, int *errcode) {
    size_t sent = 0;
    for (unsigned i = 0;; ++i) {
        ssize_t count = try_send(self->link, data + sent, size - sent);
        if (count < 0 && errno != EAGAIN && errno != EINTR) {
            *errcode = chip_errno(errno);
            return MP_STREAM_ERROR;
        }
        sent += count > 0 ? (size_t)count : 0;
        if (sent == size || (sent > 0 && !all)) {
            return sent;
        }
        if (i >= self->slices) {
            *errcode = timeout_errno(self);
            return sent > 0 ? sent : MP_STREAM_ERROR;
        }
        wait_slice(self->link, POLLOUT);
    }
}

static mp_uint_t transmit_object(mp_obj_t self_in, mp_obj_t data_in, size_t *size) {
    mp_obj_sim_socket_t *self = get_open(self_in);
    mp_buffer_info_t data;
    mp_get_buffer_raise(data_in, &data, MP_BUFFER_READ);
    *size = data.len;
    int errcode;
    mp_uint_t sent = socket_transmit(self, data.buf, data.len, true, &errcode);
    if (sent == MP_STREAM_ERROR) {
        mp_raise_OSError(errcode);
    }
    return sent;
}

static mp_obj_t socket_send(mp_obj_t self_in, mp_obj_t data_in) {
    size_t size;
    return mp_obj_new_int_from_uint(transmit_object(self_in, data_in, &size));
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_send_obj, socket_send);

static mp_obj_t socket_sendall(mp_obj_t self_in, mp_obj_t data_in) {
    size_t size;
    if (transmit_object(self_in, data_in, &size) < size) {
        mp_raise_OSError(MP_ETIMEDOUT);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_sendall_obj, socket_sendall);

static mp_obj_t socket_sendto(mp_obj_t self_in, mp_obj_t data_in, mp_obj_t address_in) {
    mp_obj_sim_socket_t *self = get_open(self_in);
    mp_buffer_info_t data;
    mp_get_buffer_raise(data_in, &data, MP_BUFFER_READ);
    struct sockaddr_in to;
    resolve_pair(address_in, &to);
    sim_lock();
    sim_link_t state = link_of_locked(self->link);
    if (self->link->side == SIDE_BOTH) {
        to_host_locked(&to);
    }
    sim_unlock();
    if (state == SIM_LINK_DOWN) {
        mp_raise_OSError(MP_EHOSTUNREACH);
    }
    if (state == SIM_LINK_UP && sendto(self->link->fd, data.buf, data.len, MSG_DONTWAIT,
                                       (struct sockaddr *)&to, sizeof(to)) < 0) {
        mp_raise_OSError(errno);
    }
    return mp_obj_new_int_from_uint(data.len);
}
static MP_DEFINE_CONST_FUN_OBJ_3(socket_sendto_obj, socket_sendto);

// Whether the connection has been refused, reset or aborted, and the board knows. lwIP's err_tcp
// has freed its control block then, without which lwip_setsockopt knows only EINVAL.
static bool is_broken(const link_t *link) {
    struct tcp_info info = {.tcpi_state = TCP_ESTABLISHED};
    socklen_t len = sizeof(info);
    sim_lock();
    bool broken = link->aborted;
    if (link->begun && link_of_locked(link) == SIM_LINK_UP &&
        getsockopt(link->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0) {
        broken = broken || info.tcpi_state == TCP_CLOSE;
    }
    sim_unlock();
    return broken;
}

static mp_obj_t socket_setsockopt(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    mp_obj_sim_socket_t *self = get_open(args[0]);
    int level = mp_obj_get_int(args[1]);
    int option = mp_obj_get_int(args[2]);
    bool known = (level == SOL_SOCKET && (option == SO_REUSEADDR || option == SO_BROADCAST)) ||
                 (level == IPPROTO_TCP && option == TCP_NODELAY);
    if (!known) {
        mp_printf(&mp_plat_print, "Warning: lwip.setsockopt() option not implemented\n");
        return mp_const_none;
    }
    int value = mp_obj_get_int(args[3]);
    if (is_broken(self->link)) {
        mp_raise_OSError(MP_EINVAL);
    }
    if (setsockopt(self->link->fd, level, option, &value, sizeof(value)) != 0) {
        mp_raise_OSError(errno);
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(socket_setsockopt_obj, 4, 4, socket_setsockopt);

static mp_obj_t socket_settimeout(mp_obj_t self_in, mp_obj_t timeout_in) {
    mp_obj_sim_socket_t *self = get_open(self_in);
    if (timeout_in == mp_const_none) {
        self->slices = FOREVER;
    } else {
        mp_float_t slices = mp_obj_get_float(timeout_in) * 1000 / SLICE_MS;
        self->slices = slices > 0 && slices < 1 ? 1 : (unsigned)slices;
    }
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_settimeout_obj, socket_settimeout);

static mp_obj_t socket_setblocking(mp_obj_t self_in, mp_obj_t blocking_in) {
    get_open(self_in)->slices = mp_obj_is_true(blocking_in) ? FOREVER : 0;
    return mp_const_none;
}
static MP_DEFINE_CONST_FUN_OBJ_2(socket_setblocking_obj, socket_setblocking);

static mp_obj_t socket_makefile(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    return args[0];
}
static MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(socket_makefile_obj, 1, 3, socket_makefile);

static mp_obj_t socket_fileno(mp_obj_t self_in) {
    mp_obj_sim_socket_t *self = MP_OBJ_TO_PTR(self_in);
    return MP_OBJ_NEW_SMALL_INT(self->link == NULL ? -1 : (int)(self->link - links));
}
static MP_DEFINE_CONST_FUN_OBJ_1(socket_fileno_obj, socket_fileno);

// The stream protocol, used by read(), write(), select.poll and TLS -----------------

static mp_uint_t socket_stream_read(mp_obj_t self_in, void *data, mp_uint_t size, int *errcode) {
    mp_obj_sim_socket_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->link == NULL) {
        *errcode = MP_EBADF;
        return MP_STREAM_ERROR;
    }
    return socket_receive(self, data, size, 0, NULL, errcode);
}

static mp_uint_t socket_stream_write(mp_obj_t self_in, const void *data, mp_uint_t size,
                                     int *errcode) {
    mp_obj_sim_socket_t *self = MP_OBJ_TO_PTR(self_in);
    if (self->link == NULL) {
        *errcode = MP_EBADF;
        return MP_STREAM_ERROR;
    }
    return socket_transmit(self, data, size, false, errcode);
}

// SIM_IDLE_MS: how long a poll that finds nothing to read waits for it, where many boards share a
// computer. MicroPython asks again every half millisecond, which takes 3 % of a core a board.
static int idle_ms(void) {
    static int ms = -1;
    if (ms < 0) {
        ms = (int)sim_setting("SIM_IDLE_MS", 0);
    }
    return ms;
}

static mp_uint_t socket_poll(const mp_obj_sim_socket_t *self, mp_uint_t wanted) {
    link_t *link = self->link;
    if (self->state == SOCKET_NEW) {
        return (wanted & MP_STREAM_POLL_WR) | MP_STREAM_POLL_HUP;
    }
    struct pollfd fd = {.fd = link->fd, .events = POLLIN | POLLOUT};
    mp_uint_t ready = 0;
    sim_lock();
    if (link->aborted) {
        ready = MP_STREAM_POLL_RD | MP_STREAM_POLL_WR;
    } else if (link_of_locked(link) != SIM_LINK_UP || link->connect_held) {
        ready = !link->connect_held && link->held_len < SEND_BUFFER ? MP_STREAM_POLL_WR : 0;
    } else {
        flush_locked(link);
        poll(&fd, 1, 0);
        if (fd.revents & (POLLIN | POLLERR | POLLHUP)) {
            ready |= MP_STREAM_POLL_RD;
        }
        if (fd.revents & (POLLOUT | POLLERR | POLLHUP)) {
            ready |= MP_STREAM_POLL_WR;
        }
    }
    sim_unlock();
    if ((ready & wanted) == 0 && (wanted & MP_STREAM_POLL_RD) != 0 && idle_ms() > 0) {
        fd.events = POLLIN;
        MP_THREAD_GIL_EXIT();
        poll(&fd, 1, idle_ms());
        MP_THREAD_GIL_ENTER();
    }
    return ready & wanted;
}

static mp_uint_t socket_close(mp_obj_sim_socket_t *self) {
    link_t *link = self->link;
    self->link = NULL;
    if (link != NULL) {
        sim_lock();
        sim_link_t state = link_of_locked(link);
        bool is_server = link->side == SIDE_BOTH;
        if (state == SIM_LINK_UP || self->state == SOCKET_NEW || link->connect_held || is_server ||
            (link->side == SIDE_PHONE && state == SIM_LINK_DOWN)) {
            release_locked(link);
        } else {
            link->orphan = true;
        }
        sim_unlock();
    }
    return 0;
}

static mp_uint_t socket_stream_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg,
                                     int *errcode) {
    mp_obj_sim_socket_t *self = MP_OBJ_TO_PTR(self_in);
    if (request == MP_STREAM_POLL) {
        return self->link == NULL ? MP_STREAM_POLL_NVAL : socket_poll(self, arg);
    }
    if (request == MP_STREAM_CLOSE) {
        return socket_close(self);
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}

static const mp_rom_map_elem_t socket_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___del__), MP_ROM_PTR(&mp_stream_close_obj)},
    {MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&mp_stream_close_obj)},
    {MP_ROM_QSTR(MP_QSTR_bind), MP_ROM_PTR(&socket_bind_obj)},
    {MP_ROM_QSTR(MP_QSTR_listen), MP_ROM_PTR(&socket_listen_obj)},
    {MP_ROM_QSTR(MP_QSTR_accept), MP_ROM_PTR(&socket_accept_obj)},
    {MP_ROM_QSTR(MP_QSTR_connect), MP_ROM_PTR(&socket_connect_obj)},
    {MP_ROM_QSTR(MP_QSTR_send), MP_ROM_PTR(&socket_send_obj)},
    {MP_ROM_QSTR(MP_QSTR_sendall), MP_ROM_PTR(&socket_sendall_obj)},
    {MP_ROM_QSTR(MP_QSTR_sendto), MP_ROM_PTR(&socket_sendto_obj)},
    {MP_ROM_QSTR(MP_QSTR_recv), MP_ROM_PTR(&socket_recv_obj)},
    {MP_ROM_QSTR(MP_QSTR_recvfrom), MP_ROM_PTR(&socket_recvfrom_obj)},
    {MP_ROM_QSTR(MP_QSTR_setsockopt), MP_ROM_PTR(&socket_setsockopt_obj)},
    {MP_ROM_QSTR(MP_QSTR_settimeout), MP_ROM_PTR(&socket_settimeout_obj)},
    {MP_ROM_QSTR(MP_QSTR_setblocking), MP_ROM_PTR(&socket_setblocking_obj)},
    {MP_ROM_QSTR(MP_QSTR_makefile), MP_ROM_PTR(&socket_makefile_obj)},
    {MP_ROM_QSTR(MP_QSTR_fileno), MP_ROM_PTR(&socket_fileno_obj)},
    {MP_ROM_QSTR(MP_QSTR_read), MP_ROM_PTR(&mp_stream_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_readinto), MP_ROM_PTR(&mp_stream_readinto_obj)},
    {MP_ROM_QSTR(MP_QSTR_readline), MP_ROM_PTR(&mp_stream_unbuffered_readline_obj)},
    {MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj)},
};
static MP_DEFINE_CONST_DICT(socket_locals, socket_locals_table);

static const mp_stream_p_t socket_stream = {
    .read = socket_stream_read,
    .write = socket_stream_write,
    .ioctl = socket_stream_ioctl,
};

MP_DEFINE_CONST_OBJ_TYPE(sim_socket_type, MP_QSTR_socket, MP_TYPE_FLAG_NONE, make_new,
                         socket_make_new, protocol, &socket_stream, locals_dict, &socket_locals);

static const mp_rom_map_elem_t socket_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR_socket)},
    {MP_ROM_QSTR(MP_QSTR_socket), MP_ROM_PTR(&sim_socket_type)},
    {MP_ROM_QSTR(MP_QSTR_getaddrinfo), MP_ROM_PTR(&sim_getaddrinfo_obj)},
    {MP_ROM_QSTR(MP_QSTR_AF_INET), MP_ROM_INT(AF_INET)},
    {MP_ROM_QSTR(MP_QSTR_AF_INET6), MP_ROM_INT(AF_INET6)},
    {MP_ROM_QSTR(MP_QSTR_SOCK_STREAM), MP_ROM_INT(SOCK_STREAM)},
    {MP_ROM_QSTR(MP_QSTR_SOCK_DGRAM), MP_ROM_INT(SOCK_DGRAM)},
    {MP_ROM_QSTR(MP_QSTR_SOCK_RAW), MP_ROM_INT(SOCK_RAW)},
    {MP_ROM_QSTR(MP_QSTR_IPPROTO_TCP), MP_ROM_INT(IPPROTO_TCP)},
    {MP_ROM_QSTR(MP_QSTR_IPPROTO_UDP), MP_ROM_INT(IPPROTO_UDP)},
    {MP_ROM_QSTR(MP_QSTR_IPPROTO_IP), MP_ROM_INT(IPPROTO_IP)},
    {MP_ROM_QSTR(MP_QSTR_SOL_SOCKET), MP_ROM_INT(SOL_SOCKET)},
    {MP_ROM_QSTR(MP_QSTR_SO_REUSEADDR), MP_ROM_INT(SO_REUSEADDR)},
    {MP_ROM_QSTR(MP_QSTR_SO_BROADCAST), MP_ROM_INT(SO_BROADCAST)},
    {MP_ROM_QSTR(MP_QSTR_TCP_NODELAY), MP_ROM_INT(TCP_NODELAY)},
    {MP_ROM_QSTR(MP_QSTR_MSG_PEEK), MP_ROM_INT(MSG_PEEK)},
    {MP_ROM_QSTR(MP_QSTR_MSG_DONTWAIT), MP_ROM_INT(MSG_DONTWAIT)},
};
static MP_DEFINE_CONST_DICT(socket_globals, socket_globals_table);

const mp_obj_module_t sim_socket_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&socket_globals,
};

MP_REGISTER_EXTENSIBLE_MODULE(MP_QSTR_socket, sim_socket_module);
