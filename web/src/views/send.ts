/** Publishes anything anywhere. */

import type { App } from "../app.ts";
import { field, make } from "../dom.ts";
import { text } from "../texts.ts";
import { isTopicName } from "../topics.ts";

const MAX_HISTORY = 20;

export function sendBox(app: App): HTMLElement {
    const topic = make("input", { required: true, list: "sent-topics", spellcheck: "false", autocapitalize: "none" });
    const payload = make("textarea", { rows: 2, spellcheck: "false" });
    const qos = make("select", {}, ["0", "1", "2"].map((each) => make("option", { selected: each === "1" }, each)));
    const retain = make("input", { type: "checkbox" });
    const history = make("select", { "aria-label": text("history") });
    const topics = make("datalist", { id: "sent-topics" });
    const sent: { topic: string; payload: string }[] = [];
    const result = make("p", { role: "status" });

    const listHistory = () => {
        const labels = sent.map((each) => `${each.topic} ${each.payload}`.slice(0, 60));
        history.replaceChildren(
            make("option", { value: "" }, text("history")),
            ...labels.map((label, index) => make("option", { value: index }, label)),
        );
        const names = [...new Set(sent.map((each) => each.topic))];
        topics.replaceChildren(...names.map((value) => make("option", { value })));
    };
    listHistory();
    history.addEventListener("change", () => {
        const again = sent[Number(history.value)];
        if (history.value !== "" && again) {
            topic.value = again.topic;
            payload.value = again.payload;
        }
    });
    const submit = (event: Event) => {
        event.preventDefault();
        result.textContent = "";
        if (!isTopicName(topic.value)) {
            app.say(text("wrongTopic", { topic: topic.value }));
            return;
        }
        const what = { topic: topic.value, payload: payload.value };
        void app.attempt(async () => {
            const options = { qos: Number(qos.value) as 0 | 1 | 2, retain: retain.checked };
            await app.connection.publish(what.topic, what.payload, options);
            result.textContent = text("sentTo", { topic: what.topic });
            const same = sent.findIndex((each) => each.topic === what.topic && each.payload === what.payload);
            sent.splice(same < 0 ? MAX_HISTORY - 1 : same, 1);
            sent.unshift(what);
            listHistory();
        });
    };
    return make(
        "form",
        { class: "send", onsubmit: submit },
        make("h3", {}, text("publish")),
        make(
            "div",
            { class: "row" },
            field(text("topic"), topic),
            field(text("message"), payload),
            field("QoS", qos),
            make("label", { class: "check" }, retain, text("retain")),
            make("button", { class: "primary" }, text("send")),
            history,
            topics,
        ),
        result,
    );
}
