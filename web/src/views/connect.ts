/** The form that connects to a broker, and how the connection is. */

import type { App } from "../app.ts";
import { field, make, setText, type View } from "../dom.ts";
import { completeAddress, firstLogin, recall, remember, writeFragment } from "../settings.ts";
import { text } from "../texts.ts";

export function connectView(app: App): View {
    const login = app.connection.login ?? firstLogin();
    const address = make("input", { value: login.address, required: true, size: 26, spellcheck: "false" });
    const user = make("input", { value: login.user, autocomplete: "username", size: 12 });
    const password = make("input", {
        type: "password",
        value: login.password,
        autocomplete: "current-password",
        size: 12,
    });
    const kept = make("input", { type: "checkbox", checked: recall() !== null });
    const submit = make("button", { class: "primary" }, text("connect"));
    const leave = make("button", { type: "button", onclick: () => app.connection.close() }, text("disconnect"));
    const form = make(
        "form",
        {
            class: "row",
            onsubmit: (event) => {
                event.preventDefault();
                const entered = {
                    address: completeAddress(address.value),
                    user: user.value,
                    password: password.value,
                };
                remember(kept.checked ? entered : null);
                writeFragment({ broker: entered.address, user: entered.user });
                app.connection.open(entered);
            },
        },
        field(text("address"), address),
        field(text("user"), user),
        field(text("password"), password),
        make("label", { class: "check" }, kept, text("remember")),
        submit,
        leave,
    );
    const status = make("p", { role: "status", class: "link" });
    const refusals = make("ul", { class: "warnings", "aria-label": text("rights") });
    const summary = make("summary", {}, text("connection"));
    const fold = make("details", { open: !app.connection.isOpen() }, summary, form);
    let was = app.connection.link.is;

    const element = make("section", { class: "connect", "aria-label": text("connection") }, status, fold, refusals);
    return {
        element,
        refresh() {
            const { link } = app.connection;
            // Installing needs no link, and its form has fields of the same names, which are the board's.
            element.hidden = app.tab === "install" && link.is === "closed";
            setText(status, describeLink(app));
            status.className = `link ${link.is}`;
            leave.hidden = link.is === "closed" || link.is === "refused";
            if (was !== link.is) {
                was = link.is;
                // Once it works the form is in the way; where it cannot, it is what is needed.
                fold.open = link.is === "refused" || (fold.open && link.is !== "connected");
            }
            const warnings = app.connection.refusals;
            if (refusals.childElementCount !== warnings.length) {
                refusals.replaceChildren(...warnings.map((warning) => make("li", {}, warning)));
            }
        },
    };
}

function describeLink(app: App): string {
    const { link, login } = app.connection;
    const address = login?.address ?? "";
    switch (link.is) {
        case "closed":
            return text("closed");
        case "connecting":
            return text("connecting", { address });
        case "connected":
            return text("connected", { address });
        case "refused":
            return link.why;
        case "lost": {
            const seconds = Math.max(0, Math.ceil((link.again - Date.now()) / 1000));
            return text("lost", { address, seconds });
        }
    }
}
