/**
 * A board's raw prompt over a serial port: how programs talk to MicroPython.
 *
 * Ctrl-C stops what runs, Ctrl-A opens the raw prompt, Ctrl-D runs what was sent; the answer is OK,
 * what was printed, Ctrl-D, the traceback if there is one, Ctrl-D, >.
 */

const BAUD = 115200;
const CHUNK = 256; // bytes; a board's receive buffer is 256, and there is no flow control
const CHUNK_PAUSE = 20; // ms; 256 bytes are 22 ms on the line
const STOP_TIME = 2000; // ms until a program has taken Ctrl-C
const ANSWER_TIME = 20_000;
const ATTEMPTS = 3; // a board that has just been plugged in may still be starting
const RAW = "raw REPL; CTRL-B to exit\r\n>";
const END = "\x04";

/** The board did not do what it should; the message is the last line of its traceback, or "". */
export class PromptError extends Error {}

export class RawPrompt {
    private port: SerialPort;
    private received = "";
    private woken: () => void = () => {};
    private reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
    private reading: Promise<void> = Promise.resolve();
    private gone = false;

    constructor(port: SerialPort) {
        this.port = port;
    }

    /** Open the port and stop what the board runs. Raises PromptError if no prompt comes. */
    async open(): Promise<void> {
        await this.port.open({ baudRate: BAUD });
        this.reader = this.port.readable!.getReader();
        this.reading = this.read(this.reader);
        for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
            this.received = "";
            await this.write("\r\x03\x02");
            if ((await this.take(">>> ", STOP_TIME)) !== null) {
                await this.write("\r\x01");
                if ((await this.take(RAW, STOP_TIME)) !== null) {
                    return;
                }
            }
        }
        throw new PromptError("");
    }

    /** Run Python on the board and return what it printed. Raises PromptError. */
    async run(code: string): Promise<string> {
        this.received = "";
        await this.write(code + END);
        await this.expect("OK");
        const printed = await this.expect(END);
        const traceback = await this.expect(END);
        if (traceback) {
            throw new PromptError(traceback.trim().split("\n").at(-1)!.trim());
        }
        return printed;
    }

    /** Start code that does not come back, such as a reset. */
    async runLast(code: string): Promise<void> {
        this.received = "";
        await this.write(code + END);
        await this.expect("OK");
    }

    /** Return the next line that the board prints; null if none comes in so many ms. */
    async line(time: number): Promise<string | null> {
        const line = await this.take("\n", time);
        return line === null ? null : line.trim();
    }

    async close(): Promise<void> {
        this.gone = true;
        await this.reader?.cancel().catch(() => {});
        await this.reading;
        await this.port.close().catch(() => {});
    }

    private async read(reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> {
        const decoder = new TextDecoder();
        try {
            for (;;) {
                const { value, done } = await reader.read();
                if (done) {
                    break;
                }
                this.received += decoder.decode(value, { stream: true });
                this.woken();
            }
        } catch {
            // The cable was pulled out.
        }
        this.gone = true;
        this.woken();
        reader.releaseLock();
    }

    private async write(text: string): Promise<void> {
        if (this.gone) {
            throw new PromptError(""); // the port has no stream to write to any more
        }
        const bytes = new TextEncoder().encode(text);
        const writer = this.port.writable!.getWriter();
        try {
            for (let start = 0; start < bytes.length; start += CHUNK) {
                await writer.write(bytes.subarray(start, start + CHUNK));
                if (bytes.length > CHUNK) {
                    await new Promise((resolve) => setTimeout(resolve, CHUNK_PAUSE));
                }
            }
        } finally {
            writer.releaseLock();
        }
    }

    private async expect(end: string): Promise<string> {
        const text = await this.take(end, ANSWER_TIME);
        if (text === null) {
            throw new PromptError("");
        }
        return text;
    }

    /** Return what came before `end`, and forget it; null if `end` does not come in that time. */
    private async take(end: string, time: number): Promise<string | null> {
        const deadline = Date.now() + time;
        for (;;) {
            const position = this.received.indexOf(end);
            if (position >= 0) {
                const text = this.received.slice(0, position);
                this.received = this.received.slice(position + end.length);
                return text;
            }
            const left = deadline - Date.now();
            if (this.gone || left <= 0) {
                return null;
            }
            await new Promise<void>((resolve) => {
                const timer = setTimeout(resolve, left);
                this.woken = () => {
                    clearTimeout(timer);
                    resolve();
                };
            });
        }
    }
}
