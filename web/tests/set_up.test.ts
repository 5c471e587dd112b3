import assert from "node:assert/strict";
import { mock, test } from "node:test";

import { SetUp } from "../src/serial/set_up.ts";

/** A port whose board answers as MicroPython does; `say` has it print a line. */
class FakePort {
    readable: ReadableStream<Uint8Array>;
    writable: WritableStream<Uint8Array>;
    private printer!: ReadableStreamDefaultController<Uint8Array>;
    private sent = "";

    constructor() {
        this.readable = new ReadableStream({ start: (controller) => void (this.printer = controller) });
        this.writable = new WritableStream({ write: (bytes) => this.take(new TextDecoder().decode(bytes)) });
    }

    async open(): Promise<void> {}
    async close(): Promise<void> {}

    print(text: string): void {
        this.printer.enqueue(new TextEncoder().encode(text));
    }

    /** Print a line and have the page read it. */
    async say(line: string): Promise<void> {
        this.print(`${line}\r\n`);
        await new Promise((resolve) => setImmediate(resolve));
    }

    private take(text: string): void {
        this.sent += text;
        if (text === "\r\x03\x02") {
            this.print(">>> ");
        } else if (text === "\r\x01") {
            this.print("raw REPL; CTRL-B to exit\r\n>");
        } else if (text.endsWith("\x04")) {
            this.print(this.sent.includes("reset()") ? "OK" : 'OK["02514d000001", {}]\x04\x04>');
        }
    }
}

test("a board that finds its second network has time for its broker", async () => {
    const port = new FakePort();
    const setUp = new SetUp(port as unknown as SerialPort);
    await setUp.open();
    mock.timers.enable({ apis: ["setTimeout", "Date"] });
    const said: string[] = [];
    const result = setUp.restart((line) => said.push(line));
    await port.say('wifi: no network named "school" is in reach; check wifi.ssid and that it is 2.4 GHz');
    mock.timers.tick(15_000);
    await port.say("wifi: connected home 192.168.1.9");
    mock.timers.tick(15_000);
    await port.say("mqtt: connected 192.168.1.5:1883 session=0");
    assert.equal(await result, "");
    assert.equal(said.length, 3);
    mock.timers.reset();
    await setUp.close();
});
