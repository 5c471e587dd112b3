// The module _sim: what boards/sim/modules builds machine, network and esp32 on.

#include "py/obj.h"
#include "py/runtime.h"

MP_DECLARE_CONST_FUN_OBJ_1(sim_run_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_prompt_obj);
MP_DECLARE_CONST_FUN_OBJ_2(sim_rename_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_looked_up_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_prompt_is_raw_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_soft_reset_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_restart_obj);
MP_DECLARE_CONST_FUN_OBJ_2(sim_flash_read_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_flash_erase_obj);
MP_DECLARE_CONST_FUN_OBJ_2(sim_flash_write_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_flash_abort_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(sim_timer_start_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_timer_stop_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_timer_value_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_watchdog_feed_obj);
MP_DECLARE_CONST_FUN_OBJ_2(sim_pin_mode_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_pin_read_obj);
MP_DECLARE_CONST_FUN_OBJ_2(sim_pin_write_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(sim_pin_irq_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_analogue_read_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_voltage_read_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_acceleration_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_i2c_answers_obj);
MP_DECLARE_CONST_FUN_OBJ_2(sim_frame_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_wlan_active_obj);
MP_DECLARE_CONST_FUN_OBJ_1(sim_wlan_configure_obj);
MP_DECLARE_CONST_FUN_OBJ_3(sim_wlan_connect_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_wlan_disconnect_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_wlan_status_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_wlan_rssi_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_wlan_channel_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_wlan_ssid_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_wlan_host_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_wlan_scan_obj);
MP_DECLARE_CONST_FUN_OBJ_VAR_BETWEEN(sim_ap_set_obj);
MP_DECLARE_CONST_FUN_OBJ_0(sim_ap_phone_obj);

static const mp_rom_map_elem_t sim_globals_table[] = {
    {MP_ROM_QSTR(MP_QSTR___name__), MP_ROM_QSTR(MP_QSTR__sim)},
    {MP_ROM_QSTR(MP_QSTR_run), MP_ROM_PTR(&sim_run_obj)},
    {MP_ROM_QSTR(MP_QSTR_prompt), MP_ROM_PTR(&sim_prompt_obj)},
    {MP_ROM_QSTR(MP_QSTR_rename), MP_ROM_PTR(&sim_rename_obj)},
    {MP_ROM_QSTR(MP_QSTR_looked_up), MP_ROM_PTR(&sim_looked_up_obj)},
    {MP_ROM_QSTR(MP_QSTR_prompt_is_raw), MP_ROM_PTR(&sim_prompt_is_raw_obj)},
    {MP_ROM_QSTR(MP_QSTR_soft_reset), MP_ROM_PTR(&sim_soft_reset_obj)},
    {MP_ROM_QSTR(MP_QSTR_restart), MP_ROM_PTR(&sim_restart_obj)},
    {MP_ROM_QSTR(MP_QSTR_flash_read), MP_ROM_PTR(&sim_flash_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_flash_erase), MP_ROM_PTR(&sim_flash_erase_obj)},
    {MP_ROM_QSTR(MP_QSTR_flash_write), MP_ROM_PTR(&sim_flash_write_obj)},
    {MP_ROM_QSTR(MP_QSTR_flash_abort), MP_ROM_PTR(&sim_flash_abort_obj)},
    {MP_ROM_QSTR(MP_QSTR_timer_start), MP_ROM_PTR(&sim_timer_start_obj)},
    {MP_ROM_QSTR(MP_QSTR_timer_stop), MP_ROM_PTR(&sim_timer_stop_obj)},
    {MP_ROM_QSTR(MP_QSTR_timer_value), MP_ROM_PTR(&sim_timer_value_obj)},
    {MP_ROM_QSTR(MP_QSTR_watchdog_feed), MP_ROM_PTR(&sim_watchdog_feed_obj)},
    {MP_ROM_QSTR(MP_QSTR_pin_mode), MP_ROM_PTR(&sim_pin_mode_obj)},
    {MP_ROM_QSTR(MP_QSTR_pin_read), MP_ROM_PTR(&sim_pin_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_pin_write), MP_ROM_PTR(&sim_pin_write_obj)},
    {MP_ROM_QSTR(MP_QSTR_pin_irq), MP_ROM_PTR(&sim_pin_irq_obj)},
    {MP_ROM_QSTR(MP_QSTR_analogue_read), MP_ROM_PTR(&sim_analogue_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_voltage_read), MP_ROM_PTR(&sim_voltage_read_obj)},
    {MP_ROM_QSTR(MP_QSTR_acceleration), MP_ROM_PTR(&sim_acceleration_obj)},
    {MP_ROM_QSTR(MP_QSTR_i2c_answers), MP_ROM_PTR(&sim_i2c_answers_obj)},
    {MP_ROM_QSTR(MP_QSTR_frame), MP_ROM_PTR(&sim_frame_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_active), MP_ROM_PTR(&sim_wlan_active_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_configure), MP_ROM_PTR(&sim_wlan_configure_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_connect), MP_ROM_PTR(&sim_wlan_connect_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_disconnect), MP_ROM_PTR(&sim_wlan_disconnect_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_status), MP_ROM_PTR(&sim_wlan_status_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_rssi), MP_ROM_PTR(&sim_wlan_rssi_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_channel), MP_ROM_PTR(&sim_wlan_channel_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_ssid), MP_ROM_PTR(&sim_wlan_ssid_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_host), MP_ROM_PTR(&sim_wlan_host_obj)},
    {MP_ROM_QSTR(MP_QSTR_wlan_scan), MP_ROM_PTR(&sim_wlan_scan_obj)},
    {MP_ROM_QSTR(MP_QSTR_ap_set), MP_ROM_PTR(&sim_ap_set_obj)},
    {MP_ROM_QSTR(MP_QSTR_ap_phone), MP_ROM_PTR(&sim_ap_phone_obj)},
};
static MP_DEFINE_CONST_DICT(sim_globals, sim_globals_table);

const mp_obj_module_t sim_module = {
    .base = {&mp_type_module},
    .globals = (mp_obj_dict_t *)&sim_globals,
};

MP_REGISTER_MODULE(MP_QSTR__sim, sim_module);
