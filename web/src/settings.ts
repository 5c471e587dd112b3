/** What the page's address says, and what this computer was told to remember. */

import type { Login } from "./connection.ts";

const KEY = "mqtt-boards-login";

/** What stands behind # in the address: broker, user, board, tab. Never a password. */
export function readFragment(hash = window.location.hash): Record<string, string> {
    return Object.fromEntries(new URLSearchParams(hash.slice(1)));
}

export function writeFragment(values: Record<string, string>): void {
    const fragment = new URLSearchParams({ ...readFragment(), ...values });
    for (const [name, value] of Object.entries(values)) {
        if (value === "") {
            fragment.delete(name);
        }
    }
    history.replaceState(null, "", `#${fragment.toString().replaceAll("%3A", ":").replaceAll("%2F", "/")}`);
}

/** `192.168.1.5:9001` is an address, too. */
export function completeAddress(typed: string): string {
    const text = typed.trim();
    return text === "" || /^[a-z]+:\/\//i.test(text) ? text : `ws://${text}`;
}

function usualAddress(): string {
    const host = window.location.hostname;
    return `ws://${host || "127.0.0.1"}:9001`;
}

/** The login to begin with: from the address, else what is remembered, else where brokers often are. */
export function firstLogin(): Login {
    const { broker, user } = readFragment();
    const remembered = recall();
    if (broker && broker !== remembered?.address) {
        return { address: completeAddress(broker), user: user ?? "", password: "" };
    }
    return remembered ?? { address: usualAddress(), user: user ?? "", password: "" };
}

/** A browser may refuse to store anything: then there is nothing to recall. */
export function recall(): Login | null {
    try {
        const login = JSON.parse(localStorage.getItem(KEY) ?? "null");
        return typeof login?.address === "string" ? login : null;
    } catch {
        return null;
    }
}

export function remember(login: Login | null): void {
    try {
        if (login) {
            localStorage.setItem(KEY, JSON.stringify(login));
        } else {
            localStorage.removeItem(KEY);
        }
    } catch {
        // Then it is asked for again.
    }
}
