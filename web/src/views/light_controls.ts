/** On, off, colour and brightness, for one board or for many. */

import type { Colour, Light } from "../boards.ts";
import { field, make } from "../dom.ts";
import { type Command, IDENTIFY, OFF, ON, toBrightness, toColour } from "../orders.ts";
import { type Text, text } from "../texts.ts";
import { asHex, percent } from "./drawing.ts";

// The colours that boards know by name (docs/topics.md), and two more.
const COLOURS: [Text, Colour][] = [
    ["red", [255, 0, 0]],
    ["orange", [255, 128, 0]],
    ["yellow", [255, 255, 0]],
    ["lime", [128, 255, 0]],
    ["green", [0, 255, 0]],
    ["cyan", [0, 255, 255]],
    ["azure", [0, 128, 255]],
    ["blue", [0, 0, 255]],
    ["purple", [160, 0, 255]],
    ["magenta", [255, 0, 255]],
    ["pink", [255, 64, 128]],
    ["white", [255, 255, 255]],
];
const DRAG_PAUSE = 100; // ms between two commands while a slider moves

export function parseColour(hex: string): Colour | null {
    const digits = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(hex.trim());
    return digits ? (digits.slice(1).map((pair) => parseInt(pair, 16)) as Colour) : null;
}

interface LightControls {
    element: HTMLElement;
    follow(light: Light | null): void; // of the one board that is controlled
}

/** Buttons that hand each command to `order`. What they show is the board's state, not what was asked. */
export function lightControls(order: (command: Command) => void): LightControls {
    const swatches = COLOURS.map(([name, colour]) =>
        make("button", {
            class: "swatch",
            style: `background: rgb(${colour.join(" ")})`,
            "aria-label": text(name),
            title: text(name),
            onclick: () => order(toColour(colour)),
        }),
    );
    const picker = make("input", {
        type: "color",
        value: "#ff8000",
        onchange: () => order(toColour(parseColour(picker.value)!)),
    });
    const slider = make("input", { type: "range", min: 1, max: 100, value: 100 });
    let last = 0;
    let isDragged = false;
    const ask = () => order(toBrightness(Math.round((slider.valueAsNumber * 255) / 100)));
    slider.addEventListener("input", () => {
        isDragged = true;
        if (Date.now() - last >= DRAG_PAUSE) {
            last = Date.now();
            ask();
        }
    });
    slider.addEventListener("change", () => {
        isDragged = false;
        ask();
    });
    const element = make(
        "div",
        { class: "controls" },
        make("button", { onclick: () => order(ON) }, text("on")),
        make("button", { onclick: () => order(OFF) }, text("off")),
        make("button", { onclick: () => order(IDENTIFY), title: text("identifyHint") }, text("identify")),
        make("div", { class: "swatches", role: "group", "aria-label": text("colour") }, swatches),
        field(text("otherColour"), picker),
        field(text("brightness"), slider),
    );
    return {
        element,
        follow(light) {
            if (light && !isDragged) {
                slider.value = String(percent(light.brightness));
                picker.value = asHex(light.colour);
            }
        },
    };
}
