/**
 * The page's one connection to a broker.
 *
 * MQTT.js would reconnect each second and then send what was clicked meanwhile. Here every attempt
 * is a client of its own, so nothing is left over from the one before, and attempts are 1, 2, 4, 8 s
 * apart with a jitter of 25 %, so that a whole class does not come back in the same instant.
 */

import mqtt, { type IClientOptions, type MqttClient } from "mqtt";

import { backoff } from "./backoff.ts";
import { Copies } from "./copies.ts";
import { type Text, text } from "./texts.ts";
import { matches } from "./topics.ts";

export interface Login {
    address: string; // ws://host:port or wss://
    user: string;
    password: string;
}

export interface Message {
    topic: string;
    payload: Uint8Array;
    qos: number;
    retained: boolean;
    time: number; // ms, as Date.now()
    filter: string | null; // by which it came; null where the broker speaks no MQTT 5
}

export type Link =
    | { is: "closed" }
    | { is: "connecting" }
    | { is: "connected" }
    | { is: "refused"; why: string }
    | { is: "lost"; again: number }; // when the next attempt is, as Date.now()

type Version = 4 | 5; // of the protocol; 5 tells of a publish that is not allowed

// Of CONNACK, in MQTT 3.1.1 and 5. Brokers use them as they like: Mosquitto says 5 and 135 of a password.
const LOGIN_REFUSED = [4, 5, 134, 135];

/** Schools keep browsers that have no URL.parse yet. */
function parse(address: string): URL | null {
    try {
        return new URL(address);
    } catch {
        return null;
    }
}

/** Say what is wrong with an address before a browser does, which tells pages very little. */
export function findError(address: string, page = window.location.protocol): Text | null {
    const parts = parse(address);
    if (!parts || !["ws:", "wss:"].includes(parts.protocol)) {
        return "badAddress";
    }
    const here = ["localhost", "127.0.0.1", "[::1]"].includes(parts.hostname);
    return page === "https:" && parts.protocol === "ws:" && !here ? "httpsNeedsWss" : null;
}

export class Connection {
    link: Link = { is: "closed" };
    login: Login | null = null;
    refusals: string[] = []; // what the broker did not allow, in words

    private client: MqttClient | null = null;
    private filters = new Map<string, number>(); // how many want each
    // A broker may send a message once for each filter that it matches; with the identifier of one.
    private names: string[] = [""]; // of filters, by their subscription identifiers
    private attempt = 0;
    private version: Version = 5;
    private timer = 0;
    private copies = new Copies();
    private changed: () => void;
    private received: (message: Message) => void;

    constructor(changed: () => void, received: (message: Message) => void) {
        this.changed = changed;
        this.received = received;
    }

    isOpen(): boolean {
        return this.link.is === "connected";
    }

    open(login: Login): void {
        this.close();
        this.login = login;
        this.version = 5;
        this.attempt = 0;
        const why = findError(login.address);
        if (why) {
            this.set({ is: "refused", why: text(why) });
        } else {
            this.connect();
        }
    }

    close(): void {
        clearTimeout(this.timer);
        this.drop();
        this.refusals = [];
        this.set({ is: "closed" });
    }

    /** Publish now or not at all. Rejects with a sentence where the broker does not take it. */
    async publish(
        topic: string,
        payload: string,
        options: { qos?: 0 | 1 | 2; retain?: boolean } = {},
    ): Promise<void> {
        if (!this.client || !this.isOpen()) {
            throw new Error(text("notSent"));
        }
        try {
            await this.client.publishAsync(topic, payload, { qos: 1, ...options });
        } catch (error) {
            const code = (error as { code?: number }).code;
            throw new Error(code === 135 ? text("mayNotPublish", { topic }) : text("notSent"));
        }
    }

    subscribe(filter: string): void {
        const users = this.filters.get(filter) ?? 0;
        this.filters.set(filter, users + 1);
        if (users === 0 && this.client && this.isOpen()) {
            this.ask(this.client, [filter]);
        }
    }

    unsubscribe(filter: string): void {
        const users = this.filters.get(filter) ?? 0;
        this.filters.set(filter, users - 1);
        if (users <= 1) {
            this.filters.delete(filter);
            if (this.isOpen()) {
                this.client?.unsubscribe(filter);
            }
        }
    }

    private connect(): void {
        const { address, user, password } = this.login!;
        const options: IClientOptions = {
            protocolVersion: this.version,
            clientId: `page-${Math.random().toString(16).slice(2, 10)}`,
            reconnectPeriod: 0,
            connectTimeout: 10_000,
            keepalive: 15,
            queueQoSZero: false,
            resubscribe: false,
            ...(user && { username: user, password }),
        };
        this.copies = new Copies();
        this.set({ is: "connecting" });
        const client = mqtt.connect(address, options);
        this.client = client;
        client.on("connect", () => {
            this.attempt = 0;
            this.refusals = [];
            this.set({ is: "connected" });
            this.ask(client, [...this.filters.keys()]);
        });
        client.on("message", (topic, payload, packet) => {
            const { qos, retain, properties } = packet;
            const identifier = [properties?.subscriptionIdentifier ?? 0].flat()[0] ?? 0;
            const filter = this.names[identifier] || null;
            const message = { topic, payload, qos, retained: retain, time: Date.now(), filter };
            if (filter !== null || !this.copies.isCopy(message, this.countMatching(topic))) {
                this.received(message);
            }
        });
        client.on("error", (error) => {
            const code = (error as { code?: number | string }).code;
            if (LOGIN_REFUSED.includes(code as number) && client === this.client) {
                this.drop();
                this.set({ is: "refused", why: text("wrongLogin") });
            }
        });
        client.on("close", () => {
            if (client === this.client) {
                this.goOn();
            }
        });
    }

    /** After a lost connection, or an attempt that failed. */
    private goOn(): void {
        const first = this.link.is === "connecting" && this.attempt === 0;
        if (this.link.is === "connecting") {
            // A broker that speaks 3.1.1 only says so, or hangs up without a word.
            this.version = this.version === 5 ? 4 : 5;
        }
        this.drop();
        const wait = first ? 100 : backoff(this.attempt);
        this.attempt += 1;
        this.set({ is: "lost", again: Date.now() + wait });
        this.timer = window.setTimeout(() => this.connect(), wait);
    }

    private drop(): void {
        const client = this.client;
        this.client = null;
        client?.end(true);
    }

    private ask(client: MqttClient, filters: string[]): void {
        for (const filter of filters) {
            const properties = { subscriptionIdentifier: this.identify(filter) };
            const options = this.version === 5 ? { qos: 1 as const, properties } : { qos: 1 as const };
            client.subscribe(filter, options, (_error, _granted, packet) => {
                const code = packet?.granted[0];
                if (typeof code === "number" && code >= 128) {
                    this.refusals.push(text("mayNotSubscribe", { topic: filter }));
                }
                this.changed();
            });
        }
    }

    private countMatching(topic: string): number {
        return [...this.filters.keys()].filter((filter) => matches(filter, topic)).length;
    }

    private identify(filter: string): number {
        if (!this.names.includes(filter)) {
            this.names.push(filter);
        }
        return this.names.indexOf(filter);
    }

    private set(link: Link): void {
        this.link = link;
        this.changed();
    }
}
