import assert from "node:assert/strict";
import { test } from "node:test";

import { compose, fieldsFor, shownAs, valueAt } from "../src/serial/schema.ts";

test("each platform has the fields that it needs", () => {
    const keys = (platform: string) => fieldsFor(platform).asked.map((field) => field.key);
    assert.ok(keys("mqtt").includes("mqtt.server"));
    assert.ok(keys("onenet").includes("mqtt.client_id"));
    assert.ok(keys("easyiot").includes("topics.command"));
    const all = Object.values(fieldsFor("mqtt")).flat();
    assert.ok(keys("mqtt").includes("wifi.ssid"));
    assert.ok(all.length > 15 && new Set(all.map((field) => field.key)).size === all.length);
    assert.ok(all.every((field) => field.hint !== "" && !field.hint.includes("`")), "hints");
});

test("what is left empty stays out, and a password stays", () => {
    const fields = Object.values(fieldsFor("mqtt")).flat();
    const before = { wifi: { ssid: "a", password: null }, mqtt: { user: "c", password: null } };
    const typed = new Map([
        ["wifi.ssid", "a"],
        ["mqtt.server", "b"],
        ["mqtt.user", "c"],
        ["mqtt.port", "1884"],
        ["mqtt.tls", "true"],
        ["brightness", "40"],
    ]);
    assert.deepEqual(compose(fields, typed, before), {
        wifi: { ssid: "a", password: null },
        mqtt: { server: "b", port: 1884, user: "c", password: null, tls: true },
        brightness: 40,
    });
    const list = { ...before, wifi: [before.wifi, { ssid: "home", password: null }] };
    assert.deepEqual(compose(fields, typed, list)["wifi"], [
        { ssid: "a", password: null },
        { ssid: "home", password: null },
    ]);
    typed.set("mqtt.server", "a.local, b.local");
    assert.deepEqual(compose(fields, typed, before)["mqtt"].server, ["a.local", "b.local"]);
    const brokers = { ...before, mqtt: { server: ["a.local", "b.local"] } };
    assert.deepEqual(compose(fields, typed, brokers)["mqtt"].server, ["a.local", "b.local"]);
    typed.set("wifi.ssid", "another");
    assert.deepEqual(compose(fields, typed, before)["wifi"], { ssid: "another" });
});

test("what a field cannot say stays as it is, until something else is typed", () => {
    const fields = Object.values(fieldsFor("mqtt")).flat();
    const before = { mqtt: { tls: { ca: "/ca.pem" } }, topics: { groups: ["class/7b", "class/7c"] } };
    const shown = new Map(fields.map(({ key }) => [key, shownAs(valueAt(before, key))]));
    assert.deepEqual(compose(fields, shown, before), { wifi: {}, ...before });
    shown.set("mqtt.tls", "false").set("topics.groups", "class/door");
    const typed = { wifi: {}, mqtt: { tls: false }, topics: { groups: ["class/door"] } };
    assert.deepEqual(compose(fields, shown, before), typed);
    shown.set("topics.groups", '["class/door"]');
    assert.deepEqual(compose(fields, shown, before), typed);
    shown.set("topics.groups", "");
    assert.deepEqual(compose(fields, shown, before), { wifi: {}, mqtt: { tls: false } });
});

test("a password goes with its user", () => {
    const fields = Object.values(fieldsFor("mqtt")).flat();
    const before = { wifi: {}, mqtt: { server: "b", user: "me", password: null } };
    const typed = new Map([["mqtt.server", "b"]]);
    assert.deepEqual(compose(fields, typed, before)["mqtt"], { server: "b" });
    typed.set("mqtt.user", "me");
    assert.deepEqual(compose(fields, typed, before)["mqtt"], before.mqtt);
});
