/**
 * Gives a board its config.json over the raw prompt.
 *
 * Passwords go to the board and never come back. What is written has passed the board's own check, so
 * this fits any version of the firmware: its module `config` has lain in `device` since 0.2.
 */

import { PromptError, RawPrompt } from "./raw_prompt.ts";
import type { Values } from "./schema.ts";

const ONLINE_TIME = 90_000; // ms; a board joins in a few seconds
const FAILED_TIME = 20_000; // ms after it has said why it is not online: it tries again, but mostly in vain

const READ = `
import json, machine, binascii
try:
    with open("/config.json") as file:
        values = json.load(file)
except (OSError, ValueError):
    values = {}
if not isinstance(values, dict):
    values = {}
networks = values.get("wifi")
for section in (networks if isinstance(networks, list) else [networks]) + [values.get("mqtt")]:
    if isinstance(section, dict) and section.get("password"):
        section["password"] = None
print(json.dumps([binascii.hexlify(machine.unique_id()).decode(), values]))
`;

/** A password of null stands for the one that the board has. */
const SAVE = `
import json
try:
    from device import config
except ImportError:
    import config
values = json.loads(TEXT)
try:
    with open("/config.json") as file:
        old = json.load(file)
except (OSError, ValueError):
    old = {}
if not isinstance(old, dict):
    old = {}
def listed(networks):
    return networks if isinstance(networks, list) else [networks]
def keep(new, old):
    for each in new:
        if each.get("password", "") is None:
            same = [known for known in old if known.get("ssid") == each.get("ssid")]
            each["password"] = same[0].get("password", "") if same else ""
keep(listed(values.get("wifi", {})), listed(old.get("wifi", {})))
keep([values.get("mqtt", {})], [old.get("mqtt", {})])
problems = config.check(values)
if not problems:
    config.save(values)
print(json.dumps(problems))
`;

const RESTART = "import machine\nmachine.reset()";

export interface Found {
    id: string;
    values: Values; // with null for each password
}

export class SetUp {
    private prompt: RawPrompt;
    private isStopped = false; // the board, by this

    constructor(port: SerialPort) {
        this.prompt = new RawPrompt(port);
    }

    /** Stop the board and read what it has. Raises PromptError. */
    async open(): Promise<Found> {
        await this.prompt.open();
        this.isStopped = true;
        const [id, values] = parseAnswer(await this.prompt.run(READ)) as [string, Values];
        return { id, values };
    }

    /** Check and store a configuration; return what is wrong with it, a line for each. */
    async save(values: Values): Promise<string[]> {
        // A text of JSON in quotes is one of Python, too.
        const code = SAVE.replace("TEXT", () => JSON.stringify(JSON.stringify(values)));
        return parseAnswer(await this.prompt.run(code)) as string[];
    }

    /**
     * Start the board again and wait until it is on its broker; each line goes to `said`. Returns ""
     * then, else the last line: why it is not.
     */
    async restart(said: (line: string) => void): Promise<string> {
        this.isStopped = false;
        await this.prompt.runLast(RESTART);
        let last = "";
        const latest = Date.now() + ONLINE_TIME;
        let end = latest;
        for (;;) {
            const line = await this.prompt.line(end - Date.now());
            if (line === null) {
                return last || "-";
            }
            if (!/^(boot|config|wifi|time|mqtt): /.test(line)) {
                continue;
            }
            said(line);
            last = line;
            if (line.startsWith("mqtt: connected ")) {
                return "";
            }
            if (line.startsWith("mqtt: the broker ") || line.startsWith("config: ")) {
                return line;
            }
            if (/^(wifi: (?!connected)|time: no |mqtt: lost)/.test(line)) {
                end = Math.min(end, Date.now() + FAILED_TIME);
            } else if (line.startsWith("wifi: connected ")) {
                end = latest; // to its second network, or at the second try
            }
        }
    }

    /** A board that was only looked at goes on as before. */
    async close(): Promise<void> {
        if (this.isStopped) {
            this.isStopped = false;
            await this.prompt.runLast(RESTART).catch(() => {}); // unless the cable is out
        }
        await this.prompt.close();
    }
}

function parseAnswer(printed: string): unknown {
    try {
        return JSON.parse(printed);
    } catch {
        throw new PromptError(printed.slice(0, 200));
    }
}
