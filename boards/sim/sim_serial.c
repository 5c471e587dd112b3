// The serial line, with the habits of ports/esp32 (uart.c, mphalport.c, shared/runtime):
//
// - what is typed waits for whoever reads, is not echoed, and no interrupt throws it away;
// - Ctrl-C interrupts while code runs, once or often, and is a character at the prompt;
// - what Python prints gets CR before LF, what the prompt sends of itself has it already.

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "py/mphal.h"
#include "py/runtime.h"
#include "py/stream.h"
#include "sim_serial.h"

void __real_mp_hal_set_interrupt_char(char c);
void __real_mp_hal_stdout_tx_strn_cooked(const char *text, size_t len);

extern mp_obj_base_t mp_sys_stdout_obj, mp_sys_stderr_obj; // of extmod/vfs_posix_file.c
extern const mp_obj_base_t mp_sys_stdout_buffer_obj;

static bool is_terminal;

void __wrap_mp_hal_stdout_tx_strn_cooked(const char *text, size_t len) {
    if (!is_terminal) {
        __real_mp_hal_stdout_tx_strn_cooked(text, len);
        return;
    }
    while (len > 0) {
        const char *newline = memchr(text, '\n', len);
        size_t before = newline == NULL ? len : (size_t)(newline - text);
        mp_hal_stdout_tx_strn(text, before);
        if (newline == NULL) {
            return;
        }
        mp_hal_stdout_tx_strn("\r\n", 2);
        text += before + 1;
        len -= before + 1;
    }
}

// The unix port's own handler ends the program at a second Ctrl-C that comes before the first has
// interrupted anything: on a busy machine that is soon.
static void on_interrupt(int signal_number) {
    (void)signal_number;
    mp_sched_keyboard_interrupt();
}

// v1.28.0's loop switches the terminal for each line, and would drop what was typed ahead; the
// terminal is a board's all the time.
void __wrap_mp_hal_stdio_mode_raw(void) {
}

void __wrap_mp_hal_stdio_mode_orig(void) {
}

static void make_signals(bool wanted) {
    struct termios terminal;
    if (tcgetattr(STDIN_FILENO, &terminal) == 0) {
        tcflag_t flags = wanted ? terminal.c_lflag | ISIG : terminal.c_lflag & ~(tcflag_t)ISIG;
        if (flags != terminal.c_lflag) {
            terminal.c_lflag = flags;
            tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
        }
    }
}

// While code runs, Ctrl-C is a signal; while a line is read, or the code wants so, it is a
// character. To a pipe no Ctrl-C can be typed: there the signal interrupts from the first code on.
void __wrap_mp_hal_set_interrupt_char(char c) {
    if (!is_terminal && c != CHAR_CTRL_C) {
        return;
    }
    // While the terminal makes the signal it has a handler: without one it would end the program.
    if (c != CHAR_CTRL_C) {
        make_signals(false);
    }
    __real_mp_hal_set_interrupt_char(c);
    if (c == CHAR_CTRL_C) {
        struct sigaction action = {.sa_handler = on_interrupt};
        sigaction(SIGINT, &action, NULL);
        make_signals(true);
    }
}

// sys.stdout and sys.stderr -------------------------------------------------------

static mp_uint_t output_write(mp_obj_t self_in, const void *data, mp_uint_t size, int *errcode) {
    (void)self_in;
    (void)errcode;
    mp_hal_stdout_tx_strn_cooked(data, size);
    return size;
}

static mp_uint_t output_ioctl(mp_obj_t self_in, mp_uint_t request, uintptr_t arg, int *errcode) {
    (void)self_in;
    if (request == MP_STREAM_POLL) {
        return arg & MP_STREAM_POLL_WR;
    }
    if (request == MP_STREAM_CLOSE) {
        return 0;
    }
    *errcode = MP_EINVAL;
    return MP_STREAM_ERROR;
}

static const mp_stream_p_t output_stream = {
    .write = output_write,
    .ioctl = output_ioctl,
    .is_text = true,
};

static const mp_rom_map_elem_t output_locals_table[] = {
    {MP_ROM_QSTR(MP_QSTR_buffer), MP_ROM_PTR(&mp_sys_stdout_buffer_obj)},
    {MP_ROM_QSTR(MP_QSTR_write), MP_ROM_PTR(&mp_stream_write_obj)},
    {MP_ROM_QSTR(MP_QSTR_close), MP_ROM_PTR(&mp_identity_obj)},
    {MP_ROM_QSTR(MP_QSTR___enter__), MP_ROM_PTR(&mp_identity_obj)},
    {MP_ROM_QSTR(MP_QSTR___exit__), MP_ROM_PTR(&mp_stream___exit___obj)},
};
static MP_DEFINE_CONST_DICT(output_locals, output_locals_table);

static MP_DEFINE_CONST_OBJ_TYPE(output_type, MP_QSTR_TextIOWrapper, MP_TYPE_FLAG_NONE, protocol,
                                &output_stream, locals_dict, &output_locals);

// The terminal --------------------------------------------------------------------

// Make the terminal usable for the person's shell again.
static void give_back(void) {
    struct termios terminal;
    if (tcgetattr(STDIN_FILENO, &terminal) == 0) {
        terminal.c_iflag |= ICRNL | IXON;
        terminal.c_oflag |= OPOST;
        terminal.c_lflag |= ICANON | ECHO | ISIG | IEXTEN;
        terminal.c_lflag &= ~(tcflag_t)NOFLSH;
        tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    }
}

static void on_end(int signal_number) {
    give_back();
    _exit(128 + signal_number);
}

void sim_serial_start(bool after_soft_reset) {
    struct termios terminal;
    if (tcgetattr(STDIN_FILENO, &terminal) != 0) {
        return;
    }
    if (!after_soft_reset) {
        tcflush(STDIN_FILENO, TCIFLUSH);
    }
    is_terminal = true;
    terminal.c_iflag &= ~(tcflag_t)(BRKINT | ICRNL | INPCK | ISTRIP | IXON);
    terminal.c_oflag &= ~(tcflag_t)OPOST;
    terminal.c_lflag &= ~(tcflag_t)(ICANON | ECHO | IEXTEN);
    terminal.c_lflag |= ISIG | NOFLSH; // a Ctrl-C leaves alone what is typed before and after it
    terminal.c_cc[VMIN] = 1;
    terminal.c_cc[VTIME] = 0;
    terminal.c_cc[VQUIT] = _POSIX_VDISABLE;
    tcsetattr(STDIN_FILENO, TCSANOW, &terminal);
    mp_sys_stdout_obj.type = &output_type;
    mp_sys_stderr_obj.type = &output_type;
    atexit(give_back);
    struct sigaction action = {.sa_handler = on_end};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

bool sim_serial_has_ended(void) {
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    if (poll(&fd, 1, 0) <= 0) {
        return false;
    }
    char c;
    return is_terminal ? (fd.revents & POLLHUP) != 0 : read(STDIN_FILENO, &c, 1) <= 0;
}
