// pipe2 and ppoll
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

// The world's lock, clock, thread and restart, and the control channel of boards/sim/README.md.

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "py/mpstate.h"
#include "py/runtime.h"
#include "sim_world.h"

// How long a started board waits for the test side's first "start"; a busy PC takes seconds.
#define START_TIMEOUT_MS (60000)

// A waiting system call is interrupted this often while a callback is pending. ESP32
// notices within 100 ms in a socket call and within a tick (10 ms) elsewhere.
#define NUDGE_US (5000)

static pthread_mutex_t world_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t main_thread;
static uint64_t power_on_us;
static int wake_pipe[2];
static int control_fd = -1;
static char line[1024];
static size_t line_len;
static bool started;
static char **program_argv;
static const sim_device_t *const *devices;

static uint64_t monotonic_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

uint64_t sim_now_us(void) {
    return monotonic_us() - power_on_us;
}

long sim_setting(const char *name, long otherwise) {
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtol(text, NULL, 10);
}

void sim_lock(void) {
    pthread_mutex_lock(&world_mutex);
}

void sim_unlock(void) {
    pthread_mutex_unlock(&world_mutex);
}

void sim_wake(void) {
    // A full pipe has enough bytes in it to wake the thread.
    (void)!write(wake_pipe[1], "w", 1);
}

// Events ---------------------------------------------------------------------

// Write `"key": "text"` into out, with text escaped for JSON. Bytes from 0x80 on pass:
// the test side reads them as UTF-8 and replaces what is not.
void sim_emit_text(const char *key, const char *text, char *out, size_t size) {
    size_t used = (size_t)snprintf(out, size, "\"%s\": \"", key);
    for (; *text != '\0' && used + 8 < size; ++text) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\') {
            out[used++] = '\\';
            out[used++] = (char)c;
        } else if (c < 0x20) {
            used += (size_t)snprintf(out + used, size - used, "\\u%04x", c);
        } else {
            out[used++] = (char)c;
        }
    }
    snprintf(out + used, size - used, "\"");
}

static void end_without_test_side(void) {
    _exit(0); // nobody will ever look at this board again
}

void sim_emit(const char *format, ...) {
    if (control_fd < 0) {
        return;
    }
    char text[4096];
    int used = snprintf(text, sizeof(text), "{\"t\": %llu, ", (unsigned long long)sim_now_us());
    va_list args;
    va_start(args, format);
    used += vsnprintf(text + used, sizeof(text) - (size_t)used - 2, format, args);
    va_end(args);
    if ((size_t)used > sizeof(text) - 3) {
        fprintf(stderr, "sim: an event is too long for the control channel\n");
        return;
    }
    text[used++] = '}';
    text[used++] = '\n';
    for (const char *rest = text; rest < text + used;) {
        ssize_t sent = send(control_fd, rest, (size_t)(text + used - rest), MSG_NOSIGNAL);
        if (sent >= 0) {
            rest += sent;
        } else if (errno != EINTR) { // a nudge may interrupt the wait for a slow test side
            end_without_test_side();
        }
    }
}

// Commands -------------------------------------------------------------------

const char *sim_field(const sim_command_t *command, const char *key, const char *otherwise) {
    for (size_t i = 0; i < command->len; ++i) {
        if (strcmp(command->fields[i].key, key) == 0) {
            return command->fields[i].text;
        }
    }
    return otherwise;
}

int sim_field_int(const sim_command_t *command, const char *key, int otherwise) {
    const char *text = sim_field(command, key, NULL);
    return text == NULL ? otherwise : atoi(text);
}

bool sim_field_bool(const sim_command_t *command, const char *key, bool otherwise) {
    const char *text = sim_field(command, key, NULL);
    return text == NULL ? otherwise : strcmp(text, "true") == 0;
}

static char *skip_space(char *p) {
    while (*p == ' ' || *p == '\t') {
        ++p;
    }
    return p;
}

// Read a JSON string in place; *end is set behind it. NULL if it is none.
static char *parse_string(char *p, char **end) {
    if (*p != '"') {
        return NULL;
    }
    char *out = ++p;
    char *start = out;
    for (; *p != '"'; ++p) {
        if (*p == '\0') {
            return NULL;
        }
        if (*p == '\\') {
            ++p;
            if (*p != '"' && *p != '\\' && *p != '/') {
                return NULL; // the test side sends UTF-8, never \u
            }
        }
        *out++ = *p;
    }
    *end = p + 1;
    *out = '\0';
    return start;
}

// A command is one flat JSON object of strings, whole numbers, true and false.
static bool parse_command(char *p, sim_command_t *command) {
    command->len = 0;
    p = skip_space(p);
    if (*p++ != '{') {
        return false;
    }
    for (;;) {
        if (command->len == MP_ARRAY_SIZE(command->fields)) {
            return false;
        }
        sim_field_t *field = &command->fields[command->len++];
        field->key = parse_string(skip_space(p), &p);
        if (field->key == NULL) {
            return false;
        }
        p = skip_space(p);
        if (*p++ != ':') {
            return false;
        }
        p = skip_space(p);
        char *end;
        if (*p == '"') {
            field->text = parse_string(p, &end);
            if (field->text == NULL) {
                return false;
            }
        } else {
            field->text = p;
            end = p + strcspn(p, " \t,}");
            if (end == p || strchr("-0123456789tf", *p) == NULL) {
                return false;
            }
        }
        p = skip_space(end);
        char separator = *p++;
        *end = '\0';
        if (separator == '}') {
            return *skip_space(p) == '\0';
        }
        if (separator != ',') {
            return false;
        }
    }
}

static bool devices_obey_locked(const sim_command_t *command) {
    for (size_t i = 0; devices[i] != NULL; ++i) {
        if (devices[i]->command_locked(command)) {
            return true;
        }
    }
    return false;
}

static void obey_locked(char *text) {
    sim_command_t command;
    if (!parse_command(text, &command)) {
        sim_emit("\"event\": \"refused\", \"reason\": \"not a flat JSON object\"");
        return;
    }
    const char *name = sim_field(&command, "command", "");
    char quoted[128];
    sim_emit_text("command", name, quoted, sizeof(quoted));
    if (strcmp(name, "start") == 0) {
        started = true;
    } else if (strcmp(name, "reset") == 0) {
        sim_emit("\"event\": \"done\", %s", quoted);
        sim_world_restart("hard");
    } else if (!devices_obey_locked(&command)) {
        sim_emit("\"event\": \"refused\", %s, \"reason\": \"unknown command or value\"", quoted);
        return;
    }
    sim_emit("\"event\": \"done\", %s", quoted);
}

static void read_commands_locked(void) {
    ssize_t count = recv(control_fd, line + line_len, sizeof(line) - line_len, MSG_DONTWAIT);
    if (count <= 0) {
        if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
            end_without_test_side();
        }
        return;
    }
    line_len += (size_t)count;
    char *newline;
    while ((newline = memchr(line, '\n', line_len)) != NULL) {
        *newline = '\0';
        obey_locked(line);
        line_len -= (size_t)(newline + 1 - line);
        memmove(line, newline + 1, line_len);
    }
    if (line_len == sizeof(line)) {
        sim_emit("\"event\": \"refused\", \"reason\": \"a command is too long\"");
        line_len = 0;
    }
}

static void connect_control(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address.sun_path)) {
        fprintf(stderr, "sim: SIM_CONTROL is longer than %zu bytes\n",
                sizeof(address.sun_path) - 1);
        exit(2);
    }
    strcpy(address.sun_path, path);
    control_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (control_fd < 0 || connect(control_fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        fprintf(stderr, "sim: nobody listens at SIM_CONTROL=%s: %s\n", path, strerror(errno));
        exit(2);
    }
    const char *cause = getenv("SIM_RESET_CAUSE");
    sim_emit("\"event\": \"power_on\", \"cause\": \"%s\"", cause == NULL ? "power" : cause);
    uint64_t limit = sim_now_us() + START_TIMEOUT_MS * 1000u;
    while (!started) {
        struct pollfd fd = {.fd = control_fd, .events = POLLIN};
        // An interrupted poll is none that waited in vain: a nudge may come this early.
        if (sim_now_us() > limit || poll(&fd, 1, START_TIMEOUT_MS) == 0) {
            fprintf(stderr, "sim: no \"start\" command within %d s\n", START_TIMEOUT_MS / 1000);
            exit(2);
        }
        sim_lock();
        read_commands_locked();
        sim_unlock();
    }
}

// The thread -----------------------------------------------------------------

static void on_nudge(int signal_number) {
    (void)signal_number; // being interrupted is the whole effect
}

// True once a scheduled callback waits for the main thread to come by.
static bool callback_is_pending(void) {
    return MP_STATE_VM(sched_state) == MP_SCHED_PENDING;
}

// Let every device do what is due; return the first of their next deadlines.
static uint64_t run_devices_locked(uint64_t now) {
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; devices[i] != NULL; ++i) {
        if (devices[i]->run_locked != NULL) {
            next = MIN(next, devices[i]->run_locked(now));
        }
    }
    return next;
}

static void *world_run(void *arg) {
    (void)arg;
    for (;;) {
        sim_lock();
        uint64_t now = sim_now_us();
        uint64_t next = run_devices_locked(now);
        sim_unlock();
        if (callback_is_pending()) {
            pthread_kill(main_thread, SIGUSR1);
            if (now + NUDGE_US < next) {
                next = now + NUDGE_US;
            }
        }
        struct timespec wait = {
            .tv_sec = (time_t)((next - now) / 1000000u),
            .tv_nsec = (long)((next - now) % 1000000u * 1000u),
        };
        struct pollfd fds[2] = {
            {.fd = wake_pipe[0], .events = POLLIN},
            {.fd = control_fd, .events = POLLIN},
        };
        ppoll(fds, 2, next == UINT64_MAX ? NULL : &wait, NULL);
        if (fds[0].revents != 0) {
            char drained[64];
            (void)!read(wake_pipe[0], drained, sizeof(drained));
        }
        if (fds[1].revents != 0) {
            sim_lock();
            read_commands_locked();
            sim_unlock();
        }
    }
    return NULL;
}

void sim_world_restart(const char *cause) {
    setenv("SIM_RESET_CAUSE", cause, 1);
    // A nudge on its way survives exec, and would end the new program: ignored, it is forgotten.
    // So is a Ctrl-C before the new program takes it, as in a chip's boot loader.
    signal(SIGUSR1, SIG_IGN);
    signal(SIGINT, SIG_IGN);
    // The signal mask survives, too.
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    const char *loader = getenv("SIM_BOOT_LOADER");
    if (loader != NULL && strcmp(cause, "soft") != 0) {
        execl("/bin/sh", "sh", "-c", loader, (char *)NULL);
    } else {
        execv("/proc/self/exe", program_argv);
    }
    perror("sim: restart");
    _exit(2);
}

void sim_world_start(char **argv, const sim_device_t *const *all_devices) {
    program_argv = argv;
    devices = all_devices;
    power_on_us = monotonic_us();
    main_thread = pthread_self();
    struct sigaction action = {.sa_handler = on_nudge};
    sigaction(SIGUSR1, &action, NULL);
    if (pipe2(wake_pipe, O_NONBLOCK | O_CLOEXEC) != 0) {
        perror("sim: pipe");
        exit(2);
    }
    const char *path = getenv("SIM_CONTROL");
    if (path != NULL && path[0] != '\0') {
        connect_control(path);
    }
    // The thread takes no signal: Ctrl-C belongs to MicroPython.
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_t thread;
    if (pthread_create(&thread, NULL, world_run, NULL) != 0) {
        perror("sim: pthread_create");
        exit(2);
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}
