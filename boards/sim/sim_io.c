// Timers, pins, analogue inputs, touch pads, the board's movement and the LED data line.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "py/runtime.h"
#include "sim_io.h"

// ESP32 has four hardware timers and forty GPIOs.
#define SIM_TIMERS (4)
#define SIM_PINS (40)

// The supply: no pin is above it.
#define SUPPLY_MILLIVOLTS (3300)

// Far beyond what the boards' accelerometers can measure. Thousandths of g.
#define MAX_ACCELERATION (16000)

// A WS2812 strip of this many bytes fits one frame event: far more than 25 LEDs.
#define FRAME_MAX (1024)

// Pin modes and edges, with the values of ports/esp32.
enum { PIN_IN = 1, PIN_OUT = 3, PIN_OPEN_DRAIN = 7 };
enum { PIN_IRQ_RISING = 1, PIN_IRQ_FALLING = 2 };

typedef struct _sim_timer_t {
    bool running;
    bool repeats;
    uint64_t period_us;
    uint64_t deadline;
} sim_timer_t;

typedef struct _sim_pin_t {
    uint8_t mode;
    uint8_t irq_trigger;
    bool output;        // what the chip drives
    bool input;         // what the world applies; the boards' buttons have pull-ups
    uint16_t analogue;  // what an ADC reads, 0..4095, and a touch pad
    int16_t millivolts; // at an ADC; NO_VOLTAGE where `analogue` says what it reads
} sim_pin_t;

#define NO_VOLTAGE (-1)

static sim_timer_t timers[SIM_TIMERS];
static sim_pin_t pins[SIM_PINS] = {
    [0 ... SIM_PINS - 1] = {.input = true, .analogue = 1000, .millivolts = NO_VOLTAGE}};
static int timer_speed = 1;
static int acceleration[3] = {0, 0, -1000}; // thousandths of g; the board lies face up
static bool i2c_answers = true;
static uint64_t watchdog_deadline = UINT64_MAX;

MP_REGISTER_ROOT_POINTER(mp_obj_t sim_timer_callback[4]);
MP_REGISTER_ROOT_POINTER(mp_obj_t sim_timer_object[4]);
MP_REGISTER_ROOT_POINTER(mp_obj_t sim_pin_handler[40]);
MP_REGISTER_ROOT_POINTER(mp_obj_t sim_pin_object[40]);

// The world's side ------------------------------------------------------------

static uint64_t run_locked(uint64_t now) {
    if (watchdog_deadline <= now) {
        sim_world_restart("watchdog");
    }
    uint64_t next = watchdog_deadline;
    for (size_t i = 0; i < SIM_TIMERS; ++i) {
        sim_timer_t *timer = &timers[i];
        if (timer->running && timer->deadline <= now) {
            // As on ESP32: a full queue drops the tick.
            mp_sched_schedule(MP_STATE_VM(sim_timer_callback)[i],
                              MP_STATE_VM(sim_timer_object)[i]);
            timer->running = timer->repeats;
            timer->deadline += timer->period_us;
            if (timer->deadline <= now) {
                timer->deadline = now + timer->period_us; // the host machine was asleep
            }
        }
        if (timer->running && timer->deadline < next) {
            next = timer->deadline;
        }
    }
    return next;
}

static void set_input_locked(size_t id, bool level) {
    sim_pin_t *pin = &pins[id];
    if (pin->input == level) {
        return;
    }
    pin->input = level;
    if (pin->irq_trigger & (level ? PIN_IRQ_RISING : PIN_IRQ_FALLING)) {
        mp_sched_schedule(MP_STATE_VM(sim_pin_handler)[id], MP_STATE_VM(sim_pin_object)[id]);
    }
}

static bool accelerate_locked(const sim_command_t *command) {
    const char *axes[3] = {"x", "y", "z"};
    int wanted[3];
    for (size_t i = 0; i < 3; ++i) {
        wanted[i] = sim_field_int(command, axes[i], 0);
        if (abs(wanted[i]) > MAX_ACCELERATION) {
            return false;
        }
    }
    memcpy(acceleration, wanted, sizeof(acceleration));
    return true;
}

static bool command_locked(const sim_command_t *command) {
    const char *name = sim_field(command, "command", "");
    if (strcmp(name, "acceleration") == 0) {
        return accelerate_locked(command);
    }
    if (strcmp(name, "i2c") == 0) {
        i2c_answers = sim_field_bool(command, "value", true);
        return true;
    }
    if (strcmp(name, "timer_speed") == 0) {
        int speed = sim_field_int(command, "value", 0);
        if (speed < 1) {
            return false;
        }
        timer_speed = speed;
        return true;
    }
    int id = sim_field_int(command, "id", -1);
    if (id < 0 || id >= SIM_PINS) {
        return false;
    }
    if (strcmp(name, "pin") == 0) {
        set_input_locked((size_t)id, sim_field_int(command, "value", 1) != 0);
        return true;
    }
    if (strcmp(name, "analogue") == 0) {
        pins[id].analogue = (uint16_t)sim_field_int(command, "value", 0);
        pins[id].millivolts = NO_VOLTAGE;
        return true;
    }
    if (strcmp(name, "voltage") == 0) {
        int millivolts = sim_field_int(command, "millivolts", -1);
        if (millivolts < 0 || millivolts > SUPPLY_MILLIVOLTS) {
            return false;
        }
        pins[id].millivolts = (int16_t)millivolts;
        return true;
    }
    return false;
}

const sim_device_t sim_io = {.command_locked = command_locked, .run_locked = run_locked};

// The chip's side: functions of the module _sim ---------------------------------

static size_t get_index(mp_obj_t id_in, size_t limit) {
    mp_int_t id = mp_obj_get_int(id_in);
    if (id < 0 || (size_t)id >= limit) {
        mp_raise_ValueError(MP_ERROR_TEXT("no such timer or pin"));
    }
    return (size_t)id;
}

// timer_start(id, period_us, repeats, callback, object)
static mp_obj_t sim_timer_start(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t id = get_index(args[0], SIM_TIMERS);
    uint64_t period_us = (uint64_t)mp_obj_get_int(args[1]) / (uint64_t)timer_speed;
    bool repeats = mp_obj_is_true(args[2]);
    sim_lock();
    MP_STATE_VM(sim_timer_callback)[id] = args[3];
    MP_STATE_VM(sim_timer_object)[id] = args[4];
    timers[id].period_us = period_us < 100 ? 100 : period_us;
    timers[id].deadline = sim_now_us() + timers[id].period_us;
    timers[id].repeats = repeats;
    timers[id].running = true;
    sim_unlock();
    sim_wake();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sim_timer_start_obj, 5, 5, sim_timer_start);

// timer_stop(id)
static mp_obj_t sim_timer_stop(mp_obj_t id_in) {
    size_t id = get_index(id_in, SIM_TIMERS);
    sim_lock();
    timers[id].running = false;
    sim_unlock();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_timer_stop_obj, sim_timer_stop);

// timer_value(id): microseconds since the period began
static mp_obj_t sim_timer_value(mp_obj_t id_in) {
    size_t id = get_index(id_in, SIM_TIMERS);
    sim_lock();
    uint64_t value =
        timers[id].running ? sim_now_us() + timers[id].period_us - timers[id].deadline : 0;
    sim_unlock();
    return mp_obj_new_int_from_ull(value);
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_timer_value_obj, sim_timer_value);

// watchdog_feed(timeout_ms): from the first call on, the next one must come in time
static mp_obj_t sim_watchdog_feed(mp_obj_t timeout_ms_in) {
    uint64_t timeout_us = 1000u * (uint64_t)mp_obj_get_int(timeout_ms_in);
    sim_lock();
    watchdog_deadline = sim_now_us() + timeout_us;
    sim_unlock();
    sim_wake();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_watchdog_feed_obj, sim_watchdog_feed);

// pin_mode(id, mode)
static mp_obj_t sim_pin_mode(mp_obj_t id_in, mp_obj_t mode_in) {
    size_t id = get_index(id_in, SIM_PINS);
    pins[id].mode = (uint8_t)mp_obj_get_int(mode_in);
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(sim_pin_mode_obj, sim_pin_mode);

// pin_read(id)
static mp_obj_t sim_pin_read(mp_obj_t id_in) {
    const sim_pin_t *pin = &pins[get_index(id_in, SIM_PINS)];
    sim_lock();
    bool level = pin->mode == PIN_OUT          ? pin->output
                 : pin->mode == PIN_OPEN_DRAIN ? pin->output && pin->input
                                               : pin->input;
    sim_unlock();
    return MP_OBJ_NEW_SMALL_INT(level);
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_pin_read_obj, sim_pin_read);

// pin_write(id, level)
static mp_obj_t sim_pin_write(mp_obj_t id_in, mp_obj_t level_in) {
    size_t id = get_index(id_in, SIM_PINS);
    bool level = mp_obj_is_true(level_in);
    sim_lock();
    bool changed = pins[id].output != level;
    pins[id].output = level;
    if (changed) {
        sim_emit("\"event\": \"pin\", \"id\": %d, \"value\": %d", (int)id, level);
    }
    sim_unlock();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(sim_pin_write_obj, sim_pin_write);

// pin_irq(id, trigger, handler, object): trigger 0 switches it off
static mp_obj_t sim_pin_irq(size_t n_args, const mp_obj_t *args) {
    (void)n_args;
    size_t id = get_index(args[0], SIM_PINS);
    uint8_t trigger = (uint8_t)mp_obj_get_int(args[1]);
    sim_lock();
    MP_STATE_VM(sim_pin_handler)[id] = args[2];
    MP_STATE_VM(sim_pin_object)[id] = args[3];
    pins[id].irq_trigger = trigger;
    sim_unlock();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_VAR_BETWEEN(sim_pin_irq_obj, 4, 4, sim_pin_irq);

// analogue_read(id): 0..4095
static mp_obj_t sim_analogue_read(mp_obj_t id_in) {
    size_t id = get_index(id_in, SIM_PINS);
    sim_lock();
    uint16_t value = pins[id].analogue;
    sim_unlock();
    return MP_OBJ_NEW_SMALL_INT(value);
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_analogue_read_obj, sim_analogue_read);

// voltage_read(id): millivolts at an ADC, or -1 where analogue_read says what it reads
static mp_obj_t sim_voltage_read(mp_obj_t id_in) {
    size_t id = get_index(id_in, SIM_PINS);
    sim_lock();
    int millivolts = pins[id].millivolts;
    sim_unlock();
    return MP_OBJ_NEW_SMALL_INT(millivolts);
}
MP_DEFINE_CONST_FUN_OBJ_1(sim_voltage_read_obj, sim_voltage_read);

// acceleration(): (x, y, z) of the board, in thousandths of g
static mp_obj_t sim_acceleration(void) {
    mp_obj_t axes[3];
    sim_lock();
    for (size_t i = 0; i < 3; ++i) {
        axes[i] = MP_OBJ_NEW_SMALL_INT(acceleration[i]);
    }
    sim_unlock();
    return mp_obj_new_tuple(3, axes);
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_acceleration_obj, sim_acceleration);

// i2c_answers(): whether what is on the bus answers
static mp_obj_t sim_i2c_answers(void) {
    sim_lock();
    bool answers = i2c_answers;
    sim_unlock();
    return mp_obj_new_bool(answers);
}
MP_DEFINE_CONST_FUN_OBJ_0(sim_i2c_answers_obj, sim_i2c_answers);

// frame(id, data): the bytes as they go down the LEDs' data line
static mp_obj_t sim_frame(mp_obj_t id_in, mp_obj_t data_in) {
    size_t id = get_index(id_in, SIM_PINS);
    mp_buffer_info_t data;
    mp_get_buffer_raise(data_in, &data, MP_BUFFER_READ);
    if (data.len > FRAME_MAX) {
        mp_raise_ValueError(MP_ERROR_TEXT("more LEDs than the simulated strip has"));
    }
    static char hex[2 * FRAME_MAX + 1];
    sim_lock();
    for (size_t i = 0; i < data.len; ++i) {
        snprintf(hex + 2 * i, 3, "%02x", ((const uint8_t *)data.buf)[i]);
    }
    hex[2 * data.len] = '\0';
    sim_emit("\"event\": \"frame\", \"pin\": %d, \"data\": \"%s\"", (int)id, hex);
    sim_unlock();
    return mp_const_none;
}
MP_DEFINE_CONST_FUN_OBJ_2(sim_frame_obj, sim_frame);
