import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { inLanguage } from "../src/serial/sentences.ts";
import { setLanguage } from "../src/texts.ts";

afterEach(() => setLanguage("en"));

/** What a board says, and what a Chinese page makes of it. */
const CASES = [
    [
        'wifi: "校园网" refuses the password; check wifi.password',
        "wifi: “校园网”拒绝了密码；请检查网络密码",
    ],
    ['wifi: "a" cannot be joined (status 7)', "wifi: 无法加入“a”（状态 7）"],
    [
        "wifi.password: found a value of the wrong form; allowed: " +
            'printable text of 8 to 63 bytes, or "" for an open network',
        "wifi.password: 格式不对；应为：文字，8 至 63 字节；开放的网络不填",
    ],
    [
        'mode: found "x: missing; give y"; allowed: "lights" or "echo"',
        'mode: 现在是 "x: missing; give y"；应为："lights" 或 "echo"',
    ],
    ["wifi: found a list; allowed: an object {...}", "wifi: 现在是列表；应为：对象 {...}"],
    ['config: mqtt.por: unknown key; did you mean "port"?', "config: mqtt.por: 没有这个键；是不是“port”？"],
    [
        "mqtt: lost (no answer; check mqtt.server, mqtt.port and mqtt.tls), retry in 1.5 s",
        "mqtt: 连接断开（没有回应；请检查服务器地址、mqtt.port 和 mqtt.tls），1.5 秒后重试",
    ],
    [
        "mqtt: lost (what answers there is no MQTT broker: it sent 0x0a), retry in 12.0 s",
        "mqtt: 连接断开（那里不是 MQTT 服务器：收到了 0x0a），12.0 秒后重试",
    ],
    [
        "mqtt: the broker does not let this user in; check mqtt.user and mqtt.password",
        "mqtt: 服务器不允许这个用户登录；请检查服务器用户名和密码",
    ],
    ["time: no answer from pool.ntp.org (-2)", "time: pool.ntp.org 没有回应（-2）"],
] as const;

test("a Chinese page says in Chinese what boards say", () => {
    setLanguage("zh");
    for (const [english, chinese] of CASES) {
        assert.equal(inLanguage(english), chinese);
    }
});

test("an English page says what boards say", () => {
    for (const [english] of CASES) {
        assert.equal(inLanguage(english), english);
    }
});

test("names stay as they are, and so does what nobody knows", () => {
    setLanguage("zh");
    const name = '" refuses the password; check wifi.password';
    const why = `"${name}" does not let the board in; check wifi.password`;
    assert.equal(inLanguage(why), `“${name}”不让板子加入；请检查网络密码`);
    assert.equal(inLanguage('x: found "a list"; allowed: sweets'), 'x: 现在是 "a list"；应为：sweets');
    for (const said of ["", "-", "boot: safe mode, no program runs", "wifi: "]) {
        assert.equal(inLanguage(said), said);
    }
});
