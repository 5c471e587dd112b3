/** A board's LEDs, as it says that they are lit. */

import type { Board, Colour, Light } from "../boards.ts";
import { draw, setAttribute, setText } from "../dom.ts";
import { text } from "../texts.ts";

const DARK = "#3a3a3a";
const STEP = 24; // between two LEDs, in units of the drawing

/**
 * The colour in which a screen shows an LED. What the eye sees of an LED is not linear either: with
 * the exponent of a screen, 10 % can be told from off.
 */
export function shownColour(light: Light): string {
    const channels = light.colour.map((channel) =>
        Math.round(255 * ((channel / 255) * (light.brightness / 255)) ** (1 / 2.2)),
    );
    return `rgb(${channels.join(" ")})`;
}

export function describe(light: Light | null): string {
    if (!light) {
        return text("unknown");
    }
    if (!light.on) {
        return text("isOff");
    }
    return text("isOn", { colour: asHex(light.colour), percent: percent(light.brightness) });
}

export function asHex(colour: Colour): string {
    return `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}

/** Brightness as people say it; what is lit has at least 1 %. */
export function percent(brightness: number): number {
    return Math.max(1, Math.round((brightness * 100) / 255));
}

export class Drawing {
    readonly element: SVGSVGElement;
    private title = draw("title");
    private lights: SVGGElement;

    constructor(board: Board) {
        const { count, columns } = board.leds;
        const rows = Math.ceil(count / columns);
        const [width, height] = [STEP * (columns + 1), STEP * (rows + 1)];
        this.lights = draw("g");
        for (let index = 0; index < count; index += 1) {
            const cx = STEP * (1 + (index % columns));
            const cy = STEP * (1 + Math.floor(index / columns));
            this.lights.append(
                draw("circle", { cx, cy, r: 13, class: "glow" }),
                draw("circle", { cx, cy, r: 7, class: "led" }),
            );
        }
        this.element = draw(
            "svg",
            { viewBox: `0 0 ${width} ${height}`, role: "img", class: "drawing" },
            this.title,
            draw("rect", { width, height, rx: 8, class: "pcb" }),
            this.lights,
        );
    }

    refresh(board: Board): void {
        const { light } = board;
        setText(this.title, `${board.name}: ${describe(light)}`);
        setAttribute(this.lights, "fill", light?.on ? shownColour(light) : DARK);
        setAttribute(this.lights, "class", light?.on ? "lit" : "");
    }
}
