"""What ci/build/patches changes in MicroPython, as a program for the host: a model of ESP-IDF."""

# ESP-IDF's count of a timer group's users in 8 bits, which on its way through 0 resets the group,
# and its macro that is a loop of one turn. The function is as in ports/esp32/machine_timer.c.
SOURCE = """
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define SOC_TIMER_GROUP_TIMERS_PER_GROUP (2)

typedef struct {
    int hal_context;
    int group;
    int index;
} machine_timer_obj_t;

static const struct {
    struct {
        int module;
    } groups[2];
} timer_group_periph_signals = {.groups = {{0}, {1}}};

static uint8_t counts[2] = {1, 1}; // the system's own clock and watchdog
static int resets;

#define PERIPH_RCC_ACQUIRE_ATOMIC(module, before) \\
    for (uint8_t before = counts[module]++, turns = 1; turns > 0; --turns)

static void timer_hal_init(int *context, int group, int index) {
    *context = group + index;
}

static void timer_ll_enable_bus_clock(int index, bool enable) {
    (void)index;
    (void)enable;
}

static void timer_ll_reset_register(int index) {
    (void)index;
    ++resets;
}

static void machine_timer_enable(machine_timer_obj_t *self) {
    // Initialise the timer.
    timer_hal_init(&self->hal_context, self->group, self->index);

    PERIPH_RCC_ACQUIRE_ATOMIC(timer_group_periph_signals.groups[self->index].module, ref_count) {
        if (ref_count == 0) {
            timer_ll_enable_bus_clock(self->index, true);
            timer_ll_reset_register(self->index);
        }
    }
}

int main(void) {
    for (int i = 0; i < 1200; ++i) {
        machine_timer_obj_t timer = {.group = (i >> 1) & 1, .index = i & 1};
        machine_timer_enable(&timer);
    }
    printf("%d %d %d\\n", resets, counts[0], counts[1]);
    return 0;
}
"""
